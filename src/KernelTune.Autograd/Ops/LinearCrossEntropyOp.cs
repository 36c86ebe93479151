using KernelTune.Devices;
using KernelTune.Devices.Calls;
using KernelTune.Devices.Memory;
using KernelTune.Kernels.Elementwise;

namespace KernelTune.Autograd.Ops;

/// <summary>
/// Mean cross-entropy of hidden·Wᵀ without ever holding all logits: rows go through the head in chunks of <c>chunkBytes</c> of logits. hidden: [N, D];
/// weight: [V, D], dense or packed; labels: I64 [N]. With a frozen head a chunk's logits become its gradient in place and hidden's gradient is made in the
/// forward pass; with a trained head the backward forms the chunks again.
/// </summary>
/// <exception cref="ShapeException">The shapes do not fit together.</exception>
public static class LinearCrossEntropyOp
{
    /// <summary>Bytes of logits in a chunk, unless asked otherwise.</summary>
    public const long DefaultChunkBytes = 32L << 20;

    public static Tensor Apply(Tensor hidden, Parameter weight, Tensor labels, CrossEntropyOptions options, Tensor? inverseCount = null, int chunkRows = 0)
    {
        var w = weight.Operand;
        if (hidden.Shape.Length != 2 || hidden.Shape[1] != w.Columns || labels.Shape != new Shape(hidden.Shape[0]))
            throw new ShapeException("linear_cross_entropy", $"hidden {hidden.Shape}, weight [{w.Rows}, {w.Columns}], labels {labels.Shape}");
        hidden = Contiguous.Rows(hidden);
        var session = hidden.Session;
        var device = session.Device;
        int n = hidden.Shape[0];
        chunkRows = chunkRows > 0 ? chunkRows : RowsFor(n, w.Rows, session.Real);
        inverseCount ??= LabelCount.Inverse(labels, options.IgnoreIndex);
        var (losses, lse) = (session.New(new Shape(n)), session.New(new Shape(n)));
        var trained = LinearOp.Trained(weight);
        bool early = session.Needs(hidden) && !session.Needs(trained);
        var grad = early ? session.New(hidden.Shape) : null;
        for (int at = 0; at < n; at += chunkRows)
        {
            int rows = Math.Min(chunkRows, n - at);
            var (logits, block) = Chunk(device, hidden, w, labels, options, at, rows, losses.View, lse.View);
            if (grad is not null)
            {
                device.Run(new CrossEntropyGradCall(logits, labels.View.Slice(0, at, rows), default, lse.View.Slice(0, at, rows), inverseCount.View, logits, options));
                device.Run(new LinearGradInputCall(logits, w, grad.View.Slice(0, at, rows)));
            }
            block.Release();
        }
        var loss = CrossEntropyOp.Total(session, losses.View, inverseCount);
        return early
            ? session.Record("linear_cross_entropy", loss, [hidden], new EarlyBackward(hidden, grad!), grad)
            : session.Record("linear_cross_entropy", loss, [hidden, trained], new Backward(hidden, weight, labels, inverseCount, options, chunkRows), hidden, labels, inverseCount);
    }

    // Equal chunks: a short last one would waste the product's blocking. A multiple of 32 rows, at least 32.
    private static int RowsFor(int rows, int vocabulary, KernelTune.Kernels.Numerics.DType type)
    {
        long most = Math.Clamp(DefaultChunkBytes / ((long)vocabulary * KernelTune.Kernels.Numerics.DTypes.Size(type)) / 32 * 32, 32, 1 << 20);
        long chunks = Math.Max(1, (rows + most - 1) / most);
        return (int)Math.Max(32, ((rows + chunks - 1) / chunks + 31) / 32 * 32);
    }

    private static (View Logits, Block Block) Chunk(Device device, Tensor hidden, in WeightOperand w, Tensor labels, in CrossEntropyOptions options, int at, int rows,
        in View losses, in View lse)
    {
        var logits = device.Allocate(new Shape(rows, w.Rows), hidden.Type, Category.Workspace, call: "linear_cross_entropy");
        device.Run(new LinearCall(hidden.View.Slice(0, at, rows), w, default, logits));
        device.Run(new CrossEntropyCall(logits, labels.View.Slice(0, at, rows), default, losses.Slice(0, at, rows), lse.Slice(0, at, rows), options));
        return (logits, logits.Block);
    }

    private sealed class EarlyBackward(Tensor hidden, Tensor grad) : IBackward
    {
        public void Run(ReadOnlySpan<View> gradOutputs, Gradients gradients)
        {
            // The loss's own gradient is known only now; it is nearly always 1.
            var scale = gradOutputs[0].Reshape(new Shape(1, 1)).Broadcast(grad.Shape);
            var dx = gradients.Begin(hidden);
            gradients.Device.Run(MapCall.Binary<Mul, None>(dx, grad.View, scale));
            gradients.Finish(hidden, dx);
        }
    }

    private sealed class Backward(Tensor hidden, Parameter weight, Tensor labels, Tensor inverseCount, CrossEntropyOptions options, int chunkRows) : IBackward
    {
        public void Run(ReadOnlySpan<View> gradOutputs, Gradients gradients)
        {
            var device = gradients.Device;
            int n = hidden.Shape[0];
            using var work = new Workspace(device, "linear_cross_entropy");
            var (losses, lse) = (work.Take(new Shape(n), hidden.Type), work.Take(new Shape(n), hidden.Type));
            var scale = work.Take(new Shape(1), hidden.Type);
            device.Run(MapCall.Binary<Mul, None>(scale, gradOutputs[0].Reshape(new Shape(1)), inverseCount.View));
            var dx = gradients.Wants(hidden) ? gradients.Into(hidden) : default;
            for (int at = 0; at < n; at += chunkRows)
            {
                int rows = Math.Min(chunkRows, n - at);
                var (logits, block) = Chunk(device, hidden, weight.Operand, labels, options, at, rows, losses, lse);
                device.Run(new CrossEntropyGradCall(logits, labels.View.Slice(0, at, rows), default, lse.Slice(0, at, rows), scale, logits, options));
                if (dx.View.Exists)
                    device.Run(new LinearGradInputCall(logits, weight.Operand, dx.View.Slice(0, at, rows), dx.Accumulate));
                LinearOp.GradParameters(gradients, hidden.View.Slice(0, at, rows), logits, weight, null);
                block.Release();
            }
        }
    }
}
