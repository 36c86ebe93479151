using KernelTune.Devices.Calls;
using KernelTune.Kernels.Cpu;

namespace KernelTune.Devices.Cpu;

/// <summary>Products of views, over any batch axes.</summary>
internal sealed unsafe class CpuMatMul(CpuContext cpu) : CpuKernel<MatMulCall>(cpu)
{
    public override long Workspace(in MatMulCall call, int threads)
    {
        MatMulCall.Check(call.A, call.B, call.C);
        if (call.C.Elements == 0 || call.A.Elements == 0)
            return 0;
        var (a, b, c) = Oriented(call);
        var (left, right) = (MatrixOperand.Foresee(a), MatrixOperand.Foresee(b));
        var shape = ShapeOf(left, right, c, Batch(left, right, c), call.Accumulate);
        return MatrixOperand.CopyBytes(a) + MatrixOperand.CopyBytes(b) + (long)MatMul.Workspace(shape, threads, Cpu.Set);
    }

    public override void Run(in MatMulCall call, nint workspace)
    {
        MatMulCall.Check(call.A, call.B, call.C);
        MatrixOperand.CheckType(MatMulCall.Name, call.A, call.B, call.C);
        if (call.C.Elements == 0)
            return;
        if (call.A.Elements == 0)
        {
            if (!call.Accumulate)
                call.C.Device.Run(new FillCall(call.C, 0));
            return;
        }
        var (a, b, c) = Oriented(call);
        if (c.Stride(-1) != 1 && c.Shape[^1] != 1)
            throw new DeviceException("cpu", $"matmul into {c}: one of the last two axes must be dense");
        var left = MatrixOperand.Read(Cpu.Pool, a, ref workspace);
        var right = MatrixOperand.Read(Cpu.Pool, b, ref workspace);
        var batch = Batch(left, right, c);
        var shape = ShapeOf(left, right, c, batch, call.Accumulate);
        float* to = (float*)c.Address;
        if (batch.Axes <= 2)
        {
            MatMul.Run(shape, left.Start, right.Start, to, (void*)workspace, Cpu.Pool, Cpu.Set);
            return;
        }
        for (long row = 0; row < batch.Rows; row++)
            MatMul.Run(shape, left.Start + batch.Offset(1, row), right.Start + batch.Offset(2, row), to + batch.Offset(0, row), (void*)workspace, Cpu.Pool, Cpu.Set);
    }

    // Results are written along their dense axis: where that is the rows' one, Cᵀ = Bᵀ·Aᵀ is computed. The sums are the same.
    private static (View A, View B, View C) Oriented(in MatMulCall call) =>
        call.C.Stride(-1) == 1 || call.C.Shape[^1] == 1
            ? (call.A, call.B, call.C)
            : (call.B.Transpose(-1, -2), call.A.Transpose(-1, -2), call.C.Transpose(-1, -2));

    private static RowPlan Batch(in MatrixOperand a, in MatrixOperand b, in View c) =>
        RowPlan.Of([First(c), First(a.View), First(b.View)], int.MaxValue / 4);

    private static View First(in View view) => view.Select(-1, 0).Select(-1, 0);

    private static MatMulShape ShapeOf(in MatrixOperand a, in MatrixOperand b, in View c, in RowPlan batch, bool accumulate) => new()
    {
        M = c.Shape[^2],
        N = c.Shape[^1],
        K = a.View.Shape[^1],
        TransposeA = a.IsTransposed,
        LdA = a.Leading,
        Right = b.IsTransposed ? MatMulRight.Transposed : MatMulRight.Rows,
        LdB = b.Leading,
        LdC = c.Shape[^2] == 1 ? c.Shape[^1] : (nint)c.Stride(-2),
        Add = accumulate,
        Heads = (int)batch.Length,
        HeadStride = ((nint)batch.Step(1), (nint)batch.Step(2), (nint)batch.Step(0)),
        Batch = batch.Axes == 2 ? (int)batch.Rows : 1,
        BatchStride = batch.Axes == 2 ? ((nint)batch.Offset(1, 1), (nint)batch.Offset(2, 1), (nint)batch.Offset(0, 1)) : default,
    };
}
