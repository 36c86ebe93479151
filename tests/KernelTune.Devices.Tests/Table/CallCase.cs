namespace KernelTune.Devices.Tests.Table;

/// <summary>One use of one call: devices must agree on it, and a kernel with the call's composition.</summary>
/// <param name="Call">The type of the call; of a map without its parameters.</param>
/// <param name="Name">What this use is about.</param>
/// <param name="Run">Lays out the operands and runs the call.</param>
public sealed record CallCase(Type Call, string Name, Action<CallBench> Run)
{
    /// <summary>What two devices may differ by: |a − b| ≤ Absolute + Relative·|b|. fp32's default of FAULTS.md.</summary>
    public double Absolute { get; init; } = 1e-5;

    public double Relative { get; init; } = 1.3e-6;

    /// <summary>Only for devices that keep weights as panels.</summary>
    public bool WantsPanels { get; init; }

    /// <summary>The type of the call without its parameters.</summary>
    public Type Kind => Call.IsGenericType ? Call.GetGenericTypeDefinition() : Call;

    public override string ToString() => $"{Call.Name.Split('`')[0]}: {Name}";
}
