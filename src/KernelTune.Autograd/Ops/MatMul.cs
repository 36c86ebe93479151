using KernelTune.Devices;
using KernelTune.Devices.Calls;
using KernelTune.Devices.Memory;

namespace KernelTune.Autograd.Ops;

/// <summary>
/// y = a·b over the last two axes, batch axes broadcast. a: [..., M, K], b: [..., K, N]; a 1-D operand is a row (left) or a column (right) and its axis disappears.
/// Transposed operands are views (<see cref="Permute"/>): nothing is copied.
/// </summary>
/// <exception cref="ShapeException">The inner lengths differ or the batch axes do not broadcast.</exception>
public static class MatMul
{
    public static Tensor Apply(Tensor a, Tensor b)
    {
        var session = a.Parameter is null ? a.Session : b.Session;
        var (va, vb) = Operands(a.View, b.View, out var batch);
        if (va.Shape[^1] != vb.Shape[^2])
            throw new ShapeException("matmul", $"{a.Shape} times {b.Shape}: inner lengths {va.Shape[^1]} and {vb.Shape[^2]}");
        var full = Extended(batch, va.Shape[^2], vb.Shape[^1]);
        var y = session.New(Outer(full, a.Shape.Length == 1, b.Shape.Length == 1));
        session.Run(new MatMulCall(va, vb, y.View.Reshape(full)), y);
        return session.Record("matmul", y, [a, b], new Backward(a, b, full), a, b);
    }

    // Both operands with equal rank and batch axes.
    private static (View A, View B) Operands(View a, View b, out Shape batch)
    {
        if (a.Rank == 1)
            a = a.Unsqueeze(0);
        if (b.Rank == 1)
            b = b.Unsqueeze(1);
        batch = Shape.Broadcast(Batch(a.Shape), Batch(b.Shape), "matmul");
        return (a.Broadcast(Extended(batch, a.Shape[^2], a.Shape[^1])), b.Broadcast(Extended(batch, b.Shape[^2], b.Shape[^1])));
    }

    private static Shape Batch(Shape shape) => new(shape.ToArray().AsSpan(0, shape.Length - 2));

    private static Shape Extended(Shape batch, int rows, int columns) => new([.. batch.ToArray(), rows, columns]);

    private static Shape Outer(Shape full, bool isRow, bool isColumn)
    {
        var shape = full;
        if (isRow)
            shape = shape.Without(full.Length - 2);
        return isColumn ? shape.Without(-1) : shape;
    }

    private sealed class Backward(Tensor a, Tensor b, Shape full) : IBackward
    {
        public void Run(ReadOnlySpan<View> gradOutputs, Gradients gradients)
        {
            var dy = gradOutputs[0].Reshape(full);
            var (va, vb) = Operands(a.View, b.View, out _);
            if (gradients.Wants(a))
                Product(gradients, a, dy, vb.Transpose(-1, -2), va.Shape);
            if (gradients.Wants(b))
                Product(gradients, b, va.Transpose(-1, -2), dy, vb.Shape);
        }

        // x's gradient = left·right, summed over the batch axes that x does not have.
        private static void Product(Gradients gradients, Tensor x, in View left, in View right, Shape shape)
        {
            var into = gradients.Into(x);
            var own = into.View;
            if (own.Rank == 1)
                own = own.Unsqueeze(x.Shape[0] == shape[^1] && shape[^2] == 1 ? 0 : 1);
            if (own.Shape == shape)
            {
                gradients.Device.Run(new MatMulCall(left, right, own, into.Accumulate));
                return;
            }
            using var work = new Workspace(gradients.Device, "matmul");
            var whole = work.Take(shape, own.Type);
            gradients.Device.Run(new MatMulCall(left, right, whole));
            ReduceCall.ToShape(gradients.Device, whole, own, into.Accumulate);
        }
    }
}
