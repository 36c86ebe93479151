namespace KernelTune.Devices.Calls;

/// <summary>
/// Primitive: values[..., i] = the i-th number of x[..., :] in ascending order, or descending; index[..., i] = where it stood. Stable; NaN is greater than everything.
/// X, Values: one shape and real type, any strides; Index: I64 of that shape, any strides.
/// </summary>
public readonly record struct SortCall(View X, View Values, View Index, bool Descending = false) : ICall
{
    public static string Name => "sort";

    public long Flops => X.Elements;

    public long Bytes => X.Bytes + Values.Bytes + Index.Bytes;

    public void Compose(Device device) => throw Primitive.Missing(device, Name);

    /// <summary>Refuses operands that do not fit.</summary>
    public static void Check(in View x, in View values, in View index)
    {
        if (x.Rank == 0 || x.Shape != values.Shape || x.Shape != index.Shape || x.Type != values.Type || index.Type != KernelTune.Kernels.Numerics.DType.I64)
            throw new ShapeException(Name, $"{x} into {values} and {index}");
    }
}
