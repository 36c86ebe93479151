using KernelTune.Devices.Memory;
using KernelTune.Kernels.Elementwise;

namespace KernelTune.Devices.Calls;

/// <summary>LoRA's extra term of a product: s·T·Bᵀ, with T: [M, r] and B: [N, r].</summary>
public readonly record struct LowRankTerm(View T, View B, float Scale);

/// <summary>
/// y = x·Wᵀ + bias + s·T·Bᵀ, or y += that. X: [M, K], W: [N, K], bias: [N] or absent, Y: [M, N]. Bias and the low-rank term are
/// added to a tile while it is in registers.
/// </summary>
public readonly record struct LinearCall(View X, WeightOperand W, View Bias, View Y, bool Accumulate = false, LowRankTerm? LowRank = null) : ICall
{
    public static string Name => "linear";

    public long Flops => (2 * Y.Elements * W.Columns) + (LowRank is { } l ? 2 * Y.Elements * l.B.Shape[1] : 0);

    public long Bytes => X.Bytes + W.Bytes + Y.Bytes;

    public void Compose(Device device)
    {
        if (W.Packed is not null)
            throw Primitive.Missing(device, "linear over packed panels");
        device.Run(new MatMulCall(X, W.Dense.Transpose(0, 1), Y, Accumulate));
        if (LowRank is { } low)
        {
            var scaled = device.Allocate(low.T.Shape, low.T.Type, Category.Workspace, call: Name);
            device.Run(MapCall.Unary<Scale, ScaleParams>(scaled, low.T, new ScaleParams(low.Scale)));
            device.Run(new MatMulCall(scaled, low.B.Transpose(0, 1), Y, true));
            scaled.Block.Release();
        }
        if (Bias.Exists)
            device.Run(MapCall.Binary<Add, None>(Y, Y, Bias.Broadcast(Y.Shape)));
    }
}

/// <summary>dX = dY·W, or dX += that. DY: [M, N], W: [N, K], DX: [M, K].</summary>
public readonly record struct LinearGradInputCall(View DY, WeightOperand W, View DX, bool Accumulate = false) : ICall
{
    public static string Name => "linear_grad_input";

    public long Flops => 2 * DY.Elements * W.Columns;

    public long Bytes => DY.Bytes + W.Bytes + DX.Bytes;

    public void Compose(Device device)
    {
        if (W.Packed is not null)
            throw Primitive.Missing(device, "linear_grad_input over packed panels");
        device.Run(new MatMulCall(DY, W.Dense, DX, Accumulate));
    }
}

/// <summary>
/// Puts rows [FirstRow, FirstRow + n) of a weight, W: [n, K], dense in either orientation, into packed panels; FirstRow is a multiple of 32. With the last row the
/// rows beyond N become zeros.
/// </summary>
public readonly record struct PackCall(View W, PackedMatrix Packed, int FirstRow = 0) : ICall
{
    public static string Name => "pack";

    public long Flops => 0;

    public long Bytes => W.Bytes + Packed.Block.Bytes;

    public void Compose(Device device) => throw Primitive.Missing(device, Name);
}

/// <summary>
/// Lays rows [FirstRow, FirstRow + Rows) of a weight's 4-bit codes out as panels. Codes: U8, two a byte, the first in the high half, of those rows alone; Magnitudes: F32, one a block of them;
/// FirstRow is a multiple of 32, and the rows begin a block.
/// </summary>
public readonly record struct PackCodesCall(View Codes, View Magnitudes, PackedMatrix Packed, int FirstRow, int Rows) : ICall
{
    public static string Name => "pack_codes";

    public long Flops => 0;

    public long Bytes => 2 * Codes.Bytes;

    public void Compose(Device device) => throw Primitive.Missing(device, Name);
}

/// <summary>W = rows [FirstRow, FirstRow + n) of the matrix that packed panels hold, W: [n, K]: for saving, merging and inspection.</summary>
public readonly record struct UnpackCall(PackedMatrix Packed, View W, int FirstRow = 0) : ICall
{
    public static string Name => "unpack";

    public long Flops => 0;

    public long Bytes => W.Bytes + Packed.Block.Bytes;

    public void Compose(Device device) => throw Primitive.Missing(device, Name);
}
