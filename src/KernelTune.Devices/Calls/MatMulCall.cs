namespace KernelTune.Devices.Calls;

/// <summary>
/// Primitive: C = A·B, or C += A·B where Accumulate. A: [batch…, M, K], B: [batch…, K, N], C: [batch…, M, N], equal batch axes
/// (broadcast by stride 0). Each operand has any strides between batches and a unit stride in one of its last two axes: transposes are views.
/// Each sum runs over k in order.
/// </summary>
public readonly record struct MatMulCall(View A, View B, View C, bool Accumulate = false) : ICall
{
    public static string Name => "matmul";

    public long Flops => 2 * C.Elements * A.Shape[^1];

    public long Bytes => A.Bytes + B.Bytes + C.Bytes;

    public void Compose(Device device) => throw Primitive.Missing(device, Name);

    /// <summary>Refuses operands that do not fit.</summary>
    public static void Check(in View a, in View b, in View c)
    {
        if (a.Rank < 2 || b.Rank != a.Rank || c.Rank != a.Rank || a.Shape[^1] != b.Shape[^2] || c.Shape[^2] != a.Shape[^2] || c.Shape[^1] != b.Shape[^1])
            throw new ShapeException(Name, $"{a.Shape} times {b.Shape} into {c.Shape}");
    }
}
