using KernelTune.Devices.Calls;
using KernelTune.Kernels.Cpu;

namespace KernelTune.Devices.Cpu;

/// <summary>y = x·Wᵀ with bias and low-rank term, W dense or packed.</summary>
internal sealed unsafe class CpuLinear(CpuContext cpu) : CpuKernel<LinearCall>(cpu)
{
    public override long Workspace(in LinearCall call, int threads)
    {
        if (call.Y.Elements == 0)
            return 0;
        long bytes = MatrixOperand.CopyBytes(call.X);
        var x = MatrixOperand.Foresee(call.X);
        MatrixOperand w = default;
        if (call.W.Packed is null)
        {
            bytes += MatrixOperand.CopyBytes(call.W.Dense);
            w = MatrixOperand.Foresee(call.W.Dense);
        }
        if (call.LowRank is { } low)
            bytes += RowCopyBytes(low.T) + RowCopyBytes(low.B);
        if (call.Bias.Exists)
            bytes += RowCopyBytes(call.Bias);
        return bytes + (long)MatMul.Workspace(ShapeOf(call, x, w), threads, Cpu.Set);
    }

    public override void Run(in LinearCall call, nint workspace)
    {
        Check(call);
        if (call.Y.Elements == 0)
            return;
        var x = MatrixOperand.Read(Cpu.Pool, call.X, ref workspace);
        MatrixOperand w = default;
        float* weights;
        if (call.W.Packed is { } packed)
        {
            weights = (float*)packed.Block.Address;
        }
        else
        {
            w = MatrixOperand.Read(Cpu.Pool, call.W.Dense, ref workspace);
            weights = w.Start;
        }
        var rank = default(MatMulRank);
        if (call.LowRank is { } low)
        {
            float* t = RowDense(low.T, ref workspace, out nint ldT), b = RowDense(low.B, ref workspace, out nint ldB);
            rank = new MatMulRank(t, ldT, b, ldB, low.Scale);
        }
        var shape = ShapeOf(call, x, w);
        if (call.Bias.Exists)
        {
            var epilogue = new LinearEpilogue(RowDense(call.Bias, ref workspace, out _));
            if (IsDecoded(call.W))
                Decoded(call, shape, x, rank, epilogue, workspace);
            else
                MatMul.Run(shape, x.Start, weights, (float*)call.Y.Address, rank, epilogue, (void*)workspace, Cpu.Pool, Cpu.Set);
            return;
        }
        if (IsDecoded(call.W))
            Decoded(call, shape, x, rank, default(NoEpilogue), workspace);
        else
            MatMul.Run(shape, x.Start, weights, (float*)call.Y.Address, rank, default(NoEpilogue), (void*)workspace, Cpu.Pool, Cpu.Set);
    }

    internal static bool IsDecoded(in WeightOperand w) => w.Packed is { IsFloat: false };

    private void Decoded<TEpilogue>(in LinearCall call, in MatMulShape shape, in MatrixOperand x, in MatMulRank rank, in TEpilogue epilogue, nint workspace)
        where TEpilogue : struct, ITileEpilogue
    {
        var product = new DecodedProduct<TEpilogue>
        {
            Shape = shape, A = x.Start, C = (float*)call.Y.Address, Rank = rank, Epilogue = epilogue, Workspace = (void*)workspace, Cpu = Cpu,
        };
        DecodedPanels.Use(call.W.Packed!, ref product);
    }

    private static void Check(in LinearCall call)
    {
        var (x, w, y) = (call.X, call.W, call.Y);
        if (x.Rank != 2 || y.Rank != 2 || x.Shape[1] != w.Columns || y.Shape[0] != x.Shape[0] || y.Shape[1] != w.Rows)
            throw new ShapeException(LinearCall.Name, $"x {x.Shape} by weight [{w.Rows}, {w.Columns}] into {y.Shape}");
        if (call.Bias.Exists && call.Bias.Shape != new Shape(w.Rows))
            throw new ShapeException(LinearCall.Name, $"bias {call.Bias.Shape} beside weight [{w.Rows}, {w.Columns}]");
        if (call.LowRank is { } low && (low.T.Shape[0] != x.Shape[0] || low.B.Shape[0] != w.Rows || low.T.Shape[1] != low.B.Shape[1]))
            throw new ShapeException(LinearCall.Name, $"low-rank term {low.T.Shape} by {low.B.Shape} beside {y.Shape}");
        if (!y.IsRowDense)
            throw new DeviceException("cpu", $"linear into {y}: rows must be dense");
        MatrixOperand.CheckType(LinearCall.Name, x, w.Dense, y, call.Bias, call.LowRank?.T ?? default, call.LowRank?.B ?? default);
    }

    private static MatMulShape ShapeOf(in LinearCall call, in MatrixOperand x, in MatrixOperand w)
    {
        bool packed = call.W.Packed is not null;
        return new MatMulShape
        {
            M = call.Y.Shape[0],
            N = call.Y.Shape[1],
            K = call.W.Columns,
            TransposeA = x.IsTransposed,
            LdA = x.Leading,
            // W is B transposed: rows of W along k are columns of B.
            Right = IsDecoded(call.W) ? MatMulRight.Decoded : packed ? MatMulRight.Packed : w.IsTransposed ? MatMulRight.Rows : MatMulRight.Transposed,
            LdB = packed ? 0 : w.Leading,
            LdC = call.Y.Shape[0] == 1 ? call.Y.Shape[1] : (nint)call.Y.Stride(0),
            Add = call.Accumulate,
            Rank = call.LowRank?.B.Shape[1] ?? 0,
        };
    }

    private static long RowCopyBytes(in View view) => view.IsRowDense ? 0 : (view.Bytes + 63) / 64 * 64;

    // The view's elements with dense rows: where they lie, or in the workspace.
    private float* RowDense(in View view, ref nint workspace, out nint leading)
    {
        leading = view.Rank == 1 || view.Shape[0] == 1 ? view.Shape[^1] : (nint)view.Stride(0);
        if (view.IsRowDense)
            return (float*)view.Address;
        var copy = (float*)workspace;
        CpuCopy.ToDense(Cpu.Pool, view, copy);
        workspace += (nint)RowCopyBytes(view);
        leading = view.Shape[^1];
        return copy;
    }
}

/// <summary>dX = dY·W, W dense or packed.</summary>
internal sealed unsafe class CpuLinearGradInput(CpuContext cpu) : CpuKernel<LinearGradInputCall>(cpu)
{
    public override long Workspace(in LinearGradInputCall call, int threads)
    {
        if (call.DX.Elements == 0)
            return 0;
        long bytes = MatrixOperand.CopyBytes(call.DY);
        MatrixOperand w = default;
        if (call.W.Packed is null)
        {
            bytes += MatrixOperand.CopyBytes(call.W.Dense);
            w = MatrixOperand.Foresee(call.W.Dense);
        }
        return bytes + (long)MatMul.Workspace(ShapeOf(call, MatrixOperand.Foresee(call.DY), w), threads, Cpu.Set);
    }

    public override void Run(in LinearGradInputCall call, nint workspace)
    {
        var (dy, weight, dx) = (call.DY, call.W, call.DX);
        if (dy.Rank != 2 || dx.Rank != 2 || dy.Shape[1] != weight.Rows || dx.Shape[0] != dy.Shape[0] || dx.Shape[1] != weight.Columns)
            throw new ShapeException(LinearGradInputCall.Name, $"dY {dy.Shape} by weight [{weight.Rows}, {weight.Columns}] into {dx.Shape}");
        if (!dx.IsRowDense)
            throw new DeviceException("cpu", $"linear_grad_input into {dx}: rows must be dense");
        MatrixOperand.CheckType(LinearGradInputCall.Name, dy, weight.Dense, dx);
        if (dx.Elements == 0)
            return;
        var a = MatrixOperand.Read(Cpu.Pool, dy, ref workspace);
        if (CpuLinear.IsDecoded(weight))
        {
            var product = new DecodedProduct<NoEpilogue>
            {
                Shape = ShapeOf(call, a, default), A = a.Start, C = (float*)dx.Address, Workspace = (void*)workspace, Cpu = Cpu,
            };
            DecodedPanels.Use(weight.Packed!, ref product);
            return;
        }
        if (weight.Packed is { } packed)
        {
            MatMul.Run(ShapeOf(call, a, default), a.Start, (float*)packed.Block.Address, (float*)dx.Address, (void*)workspace, Cpu.Pool, Cpu.Set);
            return;
        }
        var w = MatrixOperand.Read(Cpu.Pool, weight.Dense, ref workspace);
        MatMul.Run(ShapeOf(call, a, w), a.Start, w.Start, (float*)dx.Address, (void*)workspace, Cpu.Pool, Cpu.Set);
    }

    private static MatMulShape ShapeOf(in LinearGradInputCall call, in MatrixOperand dy, in MatrixOperand w)
    {
        bool packed = call.W.Packed is not null;
        return new MatMulShape
        {
            M = call.DX.Shape[0],
            N = call.DX.Shape[1],
            K = call.W.Rows,
            TransposeA = dy.IsTransposed,
            LdA = dy.Leading,
            Right = CpuLinear.IsDecoded(call.W) ? MatMulRight.DecodedRows : packed ? MatMulRight.PackedRows : w.IsTransposed ? MatMulRight.Transposed : MatMulRight.Rows,
            LdB = packed ? 0 : w.Leading,
            LdC = call.DX.Shape[0] == 1 ? call.DX.Shape[1] : (nint)call.DX.Stride(0),
            Add = call.Accumulate,
        };
    }
}
