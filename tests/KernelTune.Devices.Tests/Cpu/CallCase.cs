namespace KernelTune.Devices.Tests.Cpu;

/// <summary>Operands and a call, run on any device.</summary>
/// <param name="Name">The call and what is special.</param>
/// <param name="Run">Makes operands, runs the call and hands in the results.</param>
/// <param name="Tolerance">Allowed error, relative to the largest expected number.</param>
internal sealed record CallCase(string Name, Action<CallBench> Run, double Tolerance = 2e-6)
{
    public override string ToString() => Name;
}
