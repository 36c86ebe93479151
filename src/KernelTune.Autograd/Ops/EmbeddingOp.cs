using KernelTune.Devices;
using KernelTune.Devices.Calls;

namespace KernelTune.Autograd.Ops;

/// <summary>
/// y[..., :] = table[ids[...], :]. table: [V, D], or [D, V] where the parameter is transposed (LoRA's A at a table), dense or packed; ids: I64; y: ids' shape and D. The
/// padding row gets no gradient.
/// </summary>
/// <exception cref="ShapeException">ids is not I64.</exception>
public static class EmbeddingOp
{
    public static Tensor Apply(Parameter table, Tensor ids, int paddingIndex = -1)
    {
        if (ids.Type != KernelTune.Kernels.Numerics.DType.I64)
            throw new ShapeException("embedding", $"ids must be I64, not {ids.Type}");
        var operand = table.Operand;
        var y = ids.Session.New(new Shape([.. ids.Shape.ToArray(), operand.Columns]));
        ids.Device.Run(new GatherCall(operand, Flat(ids.View), Rows(y.View)));
        return ids.Session.Record("embedding", y, [LinearOp.Trained(table)], new Backward(table, ids, paddingIndex), ids);
    }

    private static View Flat(in View ids) => ids.Reshape(new Shape(checked((int)ids.Elements)));

    private static View Rows(in View y) => y.Reshape(new Shape(checked((int)(y.Elements / Math.Max(1, y.Shape[^1]))), y.Shape[^1]));

    private sealed class Backward(Parameter table, Tensor ids, int paddingIndex) : IBackward
    {
        public void Run(ReadOnlySpan<View> gradOutputs, Gradients gradients)
        {
            if (!gradients.Wants(table.Value))
                return;
            var into = gradients.IntoZeroed(table.Value);
            gradients.Device.Run(new ScatterAddCall(Rows(gradOutputs[0]), Flat(ids.View), table.IsTransposed ? into.Transpose(0, 1) : into, paddingIndex));
        }
    }
}
