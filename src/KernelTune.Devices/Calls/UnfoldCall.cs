namespace KernelTune.Devices.Calls;

/// <summary>
/// Primitive: the taps of every window, im2col. y[b, c, i·Kw + j, oy·Ow + ox] = x[b, c, row, column] of tap (i, j) at position (oy, ox), or <paramref name="Padding"/> outside the
/// plane. X: [B, C, H, W], Y: [B, C, Kh·Kw, Oh·Ow], real numbers of one type, any strides.
/// </summary>
public readonly record struct UnfoldCall(View X, View Y, Window2d Window, double Padding = 0) : ICall
{
    public static string Name => "unfold";

    public long Flops => 0;

    public long Bytes => X.Bytes + Y.Bytes;

    public void Compose(Device device) => throw Primitive.Missing(device, Name);

    /// <summary>Refuses planes and windows that do not fit together.</summary>
    public static void Check(string operation, in View planes, in View windows, in Window2d window)
    {
        if (planes.Rank != 4 || windows.Rank != 4 || windows.Shape[0] != planes.Shape[0] || windows.Shape[1] != planes.Shape[1]
            || windows.Shape[2] != window.Taps || windows.Shape[3] != window.Positions || planes.Type != windows.Type)
            throw new ShapeException(operation, $"planes {planes} and windows {windows}; [B, C, {window.Taps}, {window.Positions}] of one type wanted");
    }
}

/// <summary>
/// Primitive: the reverse of <see cref="UnfoldCall"/>, col2im. x[b, c, h, w] = Σ y[b, c, i·Kw + j, oy·Ow + ox] over the taps that lie there, (i, j) in order, one owner an element;
/// added to x where Accumulate. Taps in the padding are left out. Y: [B, C, Kh·Kw, Oh·Ow], X: [B, C, H, W], real numbers of one type, any strides.
/// </summary>
public readonly record struct FoldCall(View Y, View X, Window2d Window, bool Accumulate = false) : ICall
{
    public static string Name => "fold";

    public long Flops => Y.Elements;

    public long Bytes => X.Bytes + Y.Bytes;

    public void Compose(Device device) => throw Primitive.Missing(device, Name);
}
