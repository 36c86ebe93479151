using System.Globalization;
using KernelTune.Cli;

// Numbers are read and written the same way in every locale.
CultureInfo.DefaultThreadCurrentCulture = CultureInfo.InvariantCulture;
CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
using var signals = new Signals();
return Application.Run(args, Terminal.OfProcess(), signals);
