using KernelTune.Devices;
using KernelTune.Devices.Calls;

namespace KernelTune.Autograd.Ops;

/// <summary>The same elements under another shape: a view where strides allow, else one ledgered copy.</summary>
/// <exception cref="ShapeException">The number of elements differs.</exception>
public static class Reshape
{
    public static Tensor Apply(Tensor x, Shape shape)
    {
        var y = x.View.TryReshape(shape, out var view) ? x.Session.Wrap(view) : x.Session.Wrap(Contiguous.Apply(x).View.Reshape(shape));
        return x.Session.Record("reshape", y, [x], new Backward(x));
    }

    private sealed class Backward(Tensor x) : IBackward
    {
        public void Run(ReadOnlySpan<View> gradOutputs, Gradients gradients)
        {
            if (gradients.Wants(x))
                gradients.Pass(x, gradOutputs[0].Reshape(x.Shape));
        }
    }
}

/// <summary>A dense copy of x, or x itself where it is dense.</summary>
public static class Contiguous
{
    /// <summary>x itself where its axes but the last collapse into rows of a constant stride and its last axis is contiguous, as products read it; else a dense copy.</summary>
    internal static Tensor Rows(Tensor x) => x.View.IsRowDense && x.View.TryMatrix(out _, out _) ? x : Apply(x);

    /// <summary>x itself where its last axis is contiguous, else a dense copy.</summary>
    internal static Tensor LastAxis(Tensor x) => x.View.IsRowDense ? x : Apply(x);

    public static Tensor Apply(Tensor x)
    {
        if (x.View.IsDense)
            return x;
        var y = x.Session.New(x.Shape, x.Type);
        x.Session.Run(new CopyCall(x.View, y.View), y);
        return x.Session.Record("contiguous", y, [x], new Backward(x));
    }

    private sealed class Backward(Tensor x) : IBackward
    {
        public void Run(ReadOnlySpan<View> gradOutputs, Gradients gradients)
        {
            if (gradients.Wants(x))
                gradients.Pass(x, gradOutputs[0]);
        }
    }
}

/// <summary>Axes in another order: a view. Axis i of y is axis order[i] of x.</summary>
public static class Permute
{
    public static Tensor Apply(Tensor x, params int[] order)
    {
        var y = x.Session.Wrap(x.View.Permute(order));
        return x.Session.Record("permute", y, [x], new Backward(x, order));
    }

    private sealed class Backward(Tensor x, int[] order) : IBackward
    {
        public void Run(ReadOnlySpan<View> gradOutputs, Gradients gradients)
        {
            if (!gradients.Wants(x))
                return;
            var back = new int[order.Length];
            for (int i = 0; i < order.Length; i++)
                back[x.Shape.Axis(order[i])] = i;
            gradients.Pass(x, gradOutputs[0].Permute(back));
        }
    }
}

/// <summary>Elements [start, start + length) along one axis: a view.</summary>
public static class Slice
{
    public static Tensor Apply(Tensor x, int axis, int start, int length)
    {
        var y = x.Session.Wrap(x.View.Slice(axis, start, length));
        return x.Session.Record("slice", y, [x], new Backward(x, axis, start, length));
    }

    private sealed class Backward(Tensor x, int axis, int start, int length) : IBackward
    {
        public void Run(ReadOnlySpan<View> gradOutputs, Gradients gradients)
        {
            if (!gradients.Wants(x))
                return;
            var part = gradients.IntoZeroed(x).Slice(axis, start, length);
            gradients.Device.Run(MapCall.Binary<KernelTune.Kernels.Elementwise.Add, KernelTune.Kernels.Elementwise.None>(part, part, gradOutputs[0]));
        }
    }
}

/// <summary>Cuts x into equal pieces along its last axis, as a fused projection's output is cut into query, key and value: views.</summary>
public static class Split
{
    public static Tensor[] Apply(Tensor x, params int[] sizes)
    {
        if (sizes.Sum() != x.Shape[^1])
            throw new ShapeException("split", $"pieces of {string.Join(", ", sizes)} of {x.Shape}");
        var pieces = new Tensor[sizes.Length];
        int at = 0;
        for (int i = 0; i < sizes.Length; i++)
        {
            pieces[i] = x.Session.Wrap(x.View.Slice(-1, at, sizes[i]));
            at += sizes[i];
        }
        x.Session.Record("split", pieces, [x], new Backward(x, sizes));
        return pieces;
    }

    private sealed class Backward(Tensor x, int[] sizes) : IBackward
    {
        public void Run(ReadOnlySpan<View> gradOutputs, Gradients gradients)
        {
            if (!gradients.Wants(x))
                return;
            var dx = gradients.Begin(x);
            int at = 0;
            for (int i = 0; i < sizes.Length; i++)
            {
                var piece = dx.Slice(-1, at, sizes[i]);
                if (gradOutputs[i].Exists)
                    gradients.Device.Run(new CopyCall(gradOutputs[i], piece));
                else
                    gradients.Device.Run(new FillCall(piece, 0));
                at += sizes[i];
            }
            gradients.Finish(x, dx);
        }
    }
}
