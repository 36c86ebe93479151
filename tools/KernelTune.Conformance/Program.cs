using System.Globalization;
using KernelTune.Conformance;
using KernelTune.Conformance.Families;

CultureInfo.DefaultThreadCurrentCulture = CultureInfo.InvariantCulture;
CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
return Command.Run(args, Registry.All, Console.Out, Console.Error);
