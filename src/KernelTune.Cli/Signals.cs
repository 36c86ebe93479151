using System.Runtime.InteropServices;

namespace KernelTune.Cli;

/// <summary>SIGINT and SIGTERM: the first asks the work to finish what it is doing, save and leave; the second ends the process at once.</summary>
internal sealed class Signals : IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly List<PosixSignalRegistration> _registrations = [];
    private int _code;

    public Signals()
    {
        _registrations.Add(PosixSignalRegistration.Create(PosixSignal.SIGINT, context => Receive(context, ExitCode.Interrupted)));
        _registrations.Add(PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => Receive(context, ExitCode.Terminated)));
    }

    /// <summary>Cancelled by the first signal.</summary>
    public CancellationToken Stop => _stop.Token;

    /// <summary>The exit code that the first signal asks for; null: none came.</summary>
    public ExitCode? Code => _code == 0 ? null : (ExitCode)_code;

    private void Receive(PosixSignalContext context, ExitCode code)
    {
        if (Interlocked.CompareExchange(ref _code, (int)code, 0) != 0) Environment.Exit((int)code);
        context.Cancel = true;
        _stop.Cancel();
    }

    public void Dispose()
    {
        _registrations.ForEach(r => r.Dispose());
        _stop.Dispose();
    }
}
