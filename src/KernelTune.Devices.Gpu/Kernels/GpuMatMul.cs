using KernelTune.Devices.Calls;
using KernelTune.Kernels.Gpu;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Devices.Gpu;

/// <summary>Products of views of any strides, over up to four batch axes. A and B may be stored in 16 bits; C is fp32.</summary>
internal sealed class GpuMatMul(GpuContext gpu) : GpuCallKernel<MatMulCall>(gpu)
{
    public override void Run(in MatMulCall call, nint workspace)
    {
        MatMulCall.Check(call.A, call.B, call.C);
        if (call.C.Elements == 0)
            return;
        if (call.A.Elements == 0)
        {
            if (!call.Accumulate)
                call.C.Device.Run(new FillCall(call.C, 0));
            return;
        }
        switch (call.A.Type, call.B.Type, call.C.Type)
        {
            case (DType.F32, DType.F32, DType.F32): Launch<StoredF32, StoredF32>(call); break;
            case (DType.F32, DType.BF16, DType.F32): Launch<StoredF32, StoredBF16>(call); break;
            case (DType.BF16, DType.F32, DType.F32): Launch<StoredBF16, StoredF32>(call); break;
            case (DType.BF16, DType.BF16, DType.F32): Launch<StoredBF16, StoredBF16>(call); break;
            case (DType.F32, DType.F16, DType.F32): Launch<StoredF32, StoredF16>(call); break;
            case (DType.F16, DType.F32, DType.F32): Launch<StoredF16, StoredF32>(call); break;
            case (DType.F16, DType.F16, DType.F32): Launch<StoredF16, StoredF16>(call); break;
            default: throw Gpu.Unsupported(MatMulCall.Name, $"{call.A.Type} and {call.B.Type} into {call.C.Type}");
        }
    }

    private void Launch<TA, TB>(in MatMulCall call)
        where TA : unmanaged, IStored<TA>
        where TB : unmanaged, IStored<TB>
    {
        if (Gpu.IsSimulated)
            Launch<TA, TB, Tile8>(call);
        else
            Launch<TA, TB, Tile64>(call);
    }

    private void Launch<TA, TB, TTile>(in MatMulCall call)
        where TA : unmanaged, IStored<TA>
        where TB : unmanaged, IStored<TB>
        where TTile : struct, ITile
    {
        var (a, b, c) = (call.A, call.B, call.C);
        var batch = AxisPlan.Of(First(c).Shape, First(a), First(b), First(c));
        int width = 4 << TTile.LogSide;
        long tilesM = (c.Shape[^2] + width - 1) / width, tilesN = (c.Shape[^1] + width - 1) / width;
        for (int piece = 0; piece < batch.Pieces; piece++)
        {
            var shape = batch.Shape(piece);
            var args = new MatMulArgs<TA, TB>
            {
                A = Gpu.Of<TA>(a),
                B = Gpu.Of<TB>(b),
                C = Gpu.Of<G32>(c),
                Batch = shape,
                StepsA = batch.Steps(0, piece),
                StepsB = batch.Steps(1, piece),
                StepsC = batch.Steps(2, piece),
                RowA = a.Stride(-2),
                ColumnA = a.Stride(-1),
                RowB = b.Stride(-2),
                ColumnB = b.Stride(-1),
                RowC = c.Stride(-2),
                ColumnC = c.Stride(-1),
                M = c.Shape[^2],
                N = c.Shape[^1],
                K = a.Shape[^1],
                Tiles = checked((int)(tilesM * tilesN)),
                TilesN = (int)tilesN,
                DenseA = a.Stride(-1) == 1 ? 1 : 0,
                DenseB = b.Stride(-2) == 1 && b.Stride(-1) != 1 ? 1 : 0,
                Accumulate = call.Accumulate ? 1 : 0,
            };
            Launcher.Exactly<MatMulKernel<TA, TB, TTile>, MatMulArgs<TA, TB>>(args, tilesM * tilesN * shape.Count, 1 << (2 * TTile.LogSide));
        }
    }

    private static View First(in View view) => view.Select(-1, 0).Select(-1, 0);
}
