using KernelTune.Devices.Memory;
using KernelTune.Kernels.Numerics;
using KernelTune.Kernels.Elementwise;

namespace KernelTune.Devices.Calls;

/// <summary>
/// cos[i, j] = scaling·cos(position[i]·frequency[j]) and the sine. Positions: I64 [n]; Frequencies: F64 [half]; Cos, Sin: [n, half]. Angles are taken in fp64:
/// at position 8000 an fp32 angle alone costs 2e-4. Primitive: formulas have no sine.
/// </summary>
public readonly record struct RotaryTableCall(View Positions, View Frequencies, View Cos, View Sin, double Scaling) : ICall
{
    public static string Name => "rotary_table";

    public long Flops => 20 * Cos.Elements;

    public long Bytes => Cos.Bytes + Sin.Bytes;

    public void Compose(Device device) => throw Primitive.Missing(device, Name);
}

/// <summary>
/// Rotates pairs of channels (Su et al., 2021): (a, b) → (a·cos − b·sin, b·cos + a·sin), pairs (j, j + half) or, Interleaved, (2j, 2j + 1); channels beyond
/// 2·half pass through. Inverse turns the other way (the backward). X, Y: [B, T, H, D], last axis dense, Y may be X; Cos, Sin: [B, T, half], broadcast over B where stride 0.
/// </summary>
public readonly record struct RotaryCall(View X, View Cos, View Sin, View Y, bool Interleaved = false, bool Inverse = false) : ICall
{
    public static string Name => "rotary";

    public long Flops => 6 * X.Elements;

    public long Bytes => X.Bytes + Y.Bytes;

    public void Compose(Device device)
    {
        int half = Cos.Shape[^1];
        int width = X.Shape[^1];
        var shape = X.Shape.With(3, half);
        var (a, b, ya, yb) = Interleaved
            ? (Pair(X, half, 0), Pair(X, half, 1), Pair(Y, half, 0), Pair(Y, half, 1))
            : (X.Slice(3, 0, half), X.Slice(3, half, half), Y.Slice(3, 0, half), Y.Slice(3, half, half));
        var (cos, sin) = (Cos.Unsqueeze(2).Broadcast(shape), Sin.Unsqueeze(2).Broadcast(shape));
        using var work = new Workspace(device, Name);
        var (p, q, r, s) = (work.Take(shape, X.Type), work.Take(shape, X.Type), work.Take(shape, X.Type), work.Take(shape, X.Type));
        device.Run(MapCall.Binary<Mul, None>(p, a, cos));
        device.Run(MapCall.Binary<Mul, None>(q, b, sin));
        device.Run(MapCall.Binary<Mul, None>(r, b, cos));
        device.Run(MapCall.Binary<Mul, None>(s, a, sin));
        device.Run(Inverse ? MapCall.Binary<Add, None>(p, p, q) : MapCall.Binary<Add, None>(r, r, s));
        device.Run(Inverse ? MapCall.Binary<Sub, None>(r, r, s) : MapCall.Binary<Sub, None>(p, p, q));
        if (width > 2 * half && Y.Address != X.Address)
            device.Run(new CopyCall(X.Slice(3, 2 * half, width - (2 * half)), Y.Slice(3, 2 * half, width - (2 * half))));
        device.Run(new CopyCall(p, ya));
        device.Run(new CopyCall(r, yb));
    }

    // Every second channel of the first 2·half, from `first` on.
    private static View Pair(in View x, int half, int first) =>
        x.Slice(3, 0, 2 * half).Reshape(new Shape(x.Shape[0], x.Shape[1], x.Shape[2], half, 2)).Select(4, first);
}
