namespace KernelTune.Devices.Calls;

/// <summary>
/// Primitive: running sums along one axis: y[i] = Σ x[j] over j ≤ i, or over j ≥ i where Reverse (the gradient). X, Y: one shape and type, any strides; real or I64.
/// </summary>
public readonly record struct ScanCall(View X, View Y, int Axis, bool Reverse = false) : ICall
{
    public static string Name => "scan";

    public long Flops => X.Elements;

    public long Bytes => X.Bytes + Y.Bytes;

    public void Compose(Device device) => throw Primitive.Missing(device, Name);

    /// <summary>Refuses operands that do not fit.</summary>
    public static void Check(in View x, in View y)
    {
        if (x.Rank == 0 || x.Shape != y.Shape || x.Type != y.Type)
            throw new ShapeException(Name, $"{x} into {y}");
    }
}
