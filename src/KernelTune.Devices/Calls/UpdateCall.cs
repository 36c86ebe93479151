using KernelTune.Kernels.Elementwise;

namespace KernelTune.Devices.Calls;

/// <summary>
/// One step of an optimizer over a parameter: the rule's formula. P, G, and M and V, the rule's states (absent where it has fewer): dense, of one length and of the device's real type.
/// Scalars: [4] on the device: lr, the rule's two corrections, clip factor.
/// </summary>
public readonly record struct UpdateCall<TRule>(View P, View G, View M, View V, View Scalars, UpdateSettings Settings) : ICall
    where TRule : struct, IUpdateRule
{
    public static string Name => TRule.Name;

    public long Flops => 5 * TRule.Inputs * P.Elements;

    public long Bytes => (TRule.Inputs + TRule.Outputs) * P.Bytes;

    public void Compose(Device device) => throw Primitive.Missing(device, Name);

    /// <summary>Refuses operands that are not as the call says.</summary>
    internal void Check()
    {
        UpdateOperands.CheckScalars(Name, Scalars);
        UpdateOperands.CheckReal(Name, P, P);
        UpdateOperands.CheckReal(Name, G, P);
        if (TRule.Inputs > 2)
            UpdateOperands.CheckReal(Name, M, P);
        if (TRule.Inputs > 3)
            UpdateOperands.CheckReal(Name, V, P);
    }
}

/// <summary>
/// One step of an optimizer whose states are kept in 8 bits (Dettmers et al., 2022): blocks of 256 numbers over the flattened parameter are decoded, updated and encoded again by the greatest
/// magnitude of the new state. P, G: [n], dense, of the device's real type; M, V: U8 [n]; MagnitudesM, MagnitudesV: F32 [⌈n / 256⌉]; V and its magnitudes are absent where the rule has one state.
/// Levels: F32 [2, 256], the levels of the signed and of the unsigned dynamic map; Scalars: as in <see cref="UpdateCall{TRule}"/>.
/// </summary>
public readonly record struct BlockwiseUpdateCall<TRule>(
    View P, View G, View M, View V, View MagnitudesM, View MagnitudesV, View Levels, View Scalars, UpdateSettings Settings) : ICall
    where TRule : struct, IUpdateRule
{
    public static string Name => TRule.Name + ".8bit";

    public long Flops => 5 * TRule.Inputs * P.Elements;

    public long Bytes => (3 * P.Bytes) + (2 * (TRule.Inputs - 2) * (M.Bytes + MagnitudesM.Bytes));

    public void Compose(Device device) => throw Primitive.Missing(device, Name);

    /// <summary>Refuses operands that are not as the call says.</summary>
    internal void Check()
    {
        UpdateOperands.CheckScalars(Name, Scalars);
        UpdateOperands.CheckReal(Name, P, P);
        UpdateOperands.CheckReal(Name, G, P);
        UpdateOperands.CheckCodes(Name, M, MagnitudesM, P);
        if (TRule.Inputs > 3)
            UpdateOperands.CheckCodes(Name, V, MagnitudesV, P);
        if (Levels.Type != Kernels.Numerics.DType.F32 || !Levels.IsDense || Levels.Shape != new Shape(2, 256))
            throw new ShapeException(Name, $"levels {Levels} must be dense F32 [2, 256]");
    }
}
