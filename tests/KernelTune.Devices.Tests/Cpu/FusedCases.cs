using KernelTune.Devices.Calls;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Devices.Tests.Cpu;

/// <summary>Cases of the calls that have compositions.</summary>
internal static class FusedCases
{
    public static IEnumerable<CallCase> All() => [.. Norms(), .. Losses(), .. Positions(), .. Attentions()];

    private static IEnumerable<CallCase> Norms()
    {
        foreach (bool weighted in new[] { true, false })
        {
            yield return new($"rms_norm and its gradients, weight {weighted}", b =>
            {
                var shape = new Shape(150, 100);
                var (x, dy, w) = (b.Real(shape, 60, 2), b.Real(shape, 61), weighted ? b.Real(new Shape(100), 62) : default);
                var (y, rstd, dx, dw) = (b.Empty(shape), b.Empty(new Shape(150)), b.Real(shape, 63), b.Real(new Shape(100), 64));
                double offset = weighted ? 1 : 0;
                b.Device.Run(new RmsNormCall(x, w, y, rstd, 1e-5, offset));
                b.Device.Run(new RmsNormGradInputCall(x, w, rstd, dy, dx, offset, true));
                b.Device.Run(new RmsNormGradWeightCall(x, rstd, dy, dw, true));
                foreach (var (name, view) in new[] { ("y", y), ("rstd", rstd), ("dx", dx), ("dw", dw) })
                    b.Result(name, view);
            });
            yield return new($"layer_norm and its gradients, weight {weighted}", b =>
            {
                var shape = new Shape(150, 100);
                var (x, dy) = (b.Real(shape, 65, 2, 1), b.Real(shape, 66));
                var (w, bias) = weighted ? (b.Real(new Shape(100), 67), b.Real(new Shape(100), 68)) : default;
                var (y, mean, rstd, dx) = (b.Empty(shape), b.Empty(new Shape(150)), b.Empty(new Shape(150)), b.Empty(shape));
                var (dw, db) = (b.Empty(new Shape(100)), b.Real(new Shape(100), 69));
                b.Device.Run(new LayerNormCall(x, w, bias, y, mean, rstd, 1e-5));
                b.Device.Run(new LayerNormGradInputCall(x, w, mean, rstd, dy, dx));
                b.Device.Run(new LayerNormGradWeightCall(x, mean, rstd, dy, dw, db, false, true));
                foreach (var (name, view) in new[] { ("y", y), ("mean", mean), ("rstd", rstd), ("dx", dx), ("dw", dw), ("db", db) })
                    b.Result(name, view);
            }, 4e-6);
        }
        yield return new("rms_norm of rows that are not dense is composed", b =>
        {
            var (x, w, y, rstd) = (b.Real(new Shape(64, 20), 70).Transpose(0, 1), b.Real(new Shape(64), 71), b.Empty(new Shape(20, 64)), b.Empty(new Shape(20)));
            b.Device.Run(new RmsNormCall(x, w, y, rstd, 1e-5));
            b.Result("y", y);
        });
    }

    private static IEnumerable<CallCase> Losses()
    {
        foreach (bool log in new[] { false, true })
        {
            yield return new($"softmax and its gradient, log {log}", b =>
            {
                var shape = new Shape(2, 21, 300);
                var (x, y, dy, dx) = (b.Real(shape, 72, 8), b.Empty(shape), b.Real(shape, 73), b.Real(shape, 74));
                b.Device.Run(new SoftmaxCall(x, y, log));
                b.Device.Run(new SoftmaxGradCall(y, dy, dx, log, true));
                b.Result("y", y);
                b.Result("dx", dx);
            }, 4e-6);
        }
        yield return new("softmax of a row of nothing but -inf", b =>
        {
            var (x, y) = (b.Empty(new Shape(2, 40)), b.Empty(new Shape(2, 40)));
            b.Device.Run(new FillCall(x, double.NegativeInfinity));
            b.Device.Run(new SoftmaxCall(x, y, EmptyIsZero: true));
            b.Result("y", y);
        }, 0);
        yield return new("cross_entropy, plain", b => CrossEntropy(b, CrossEntropyOptions.Plain, false, false), 4e-6);
        yield return new("cross_entropy, gradient in place", b => CrossEntropy(b, CrossEntropyOptions.Plain, false, true), 4e-6);
        yield return new("cross_entropy, smoothed and weighted with z-loss", b => CrossEntropy(b, new(-100, 0.1, 1e-2), true, false), 4e-6);
        yield return new("cross_entropy, capped", b => CrossEntropy(b, new(-100, 0.1, 0, 5), true, true), 4e-6);
        yield return new("dropout", b =>
        {
            var (x, y) = (b.Real(new Shape(50, 401), 75), b.Empty(new Shape(50, 401)));
            b.Device.Run(new DropoutCall(x, y, 0.25, new RandomPlace(9, 1, 2, 3)));
            b.Result("y", y);
        }, 1e-7);
    }

    private static void CrossEntropy(CallBench b, CrossEntropyOptions options, bool weighted, bool inPlace)
    {
        int rows = 17, classes = 1003;
        var x = b.Real(new Shape(rows, classes), 76, 6);
        var labels = new long[rows];
        for (int i = 0; i < rows; i++)
            labels[i] = i % 5 == 3 ? -100 : i * 59 % classes;
        var (label, w) = (b.Whole(labels), weighted ? b.Real(new Shape(classes), 77, 0.5, 1) : default);
        var (loss, lse, scale) = (b.Empty(new Shape(rows)), b.Empty(new Shape(rows)), b.Real(new Shape(1), 0.125));
        b.Device.Run(new CrossEntropyCall(x, label, w, loss, lse, options));
        var dx = inPlace ? x : b.Empty(new Shape(rows, classes));
        b.Device.Run(new CrossEntropyGradCall(x, label, w, lse, scale, dx, options));
        b.Result("loss", loss);
        b.Result("lse", lse);
        b.Result("dx", dx);
    }

    private static IEnumerable<CallCase> Positions()
    {
        foreach (bool interleaved in new[] { false, true })
        {
            yield return new($"rotary, interleaved {interleaved}", b =>
            {
                var shape = new Shape(2, 9, 3, 40);
                var (x, y, z) = (b.Real(shape, 78), b.Empty(shape), b.Real(shape, 79));
                var (cos, sin) = (b.Real(new Shape(1, 9, 16), 80), b.Real(new Shape(1, 9, 16), 81));
                var (c, s) = (cos.Broadcast(new Shape(2, 9, 16)), sin.Broadcast(new Shape(2, 9, 16)));
                b.Device.Run(new RotaryCall(x, c, s, y, interleaved));
                b.Device.Run(new RotaryCall(z, c, s, z, interleaved, true));
                b.Result("y", y);
                b.Result("z", z);
            });
        }
    }

    private static IEnumerable<CallCase> Attentions()
    {
        yield return Attention("plain", new AttentionOptions(0.25));
        yield return Attention("causal", new AttentionOptions(0.25, Causality.BottomRight));
        yield return Attention("causal from the top left", new AttentionOptions(0.25, Causality.TopLeft));
        yield return Attention("window", new AttentionOptions(0.25, Causality.BottomRight, 20));
        yield return Attention("window on both sides", new AttentionOptions(0.25, Causality.None, 9, 5));
        yield return Attention("capped", new AttentionOptions(1, Causality.BottomRight, Softcap: 3));
        yield return Attention("slopes", new AttentionOptions(0.25, Causality.BottomRight), b => new AttentionMasks(Slopes: b.Real(new Shape(6), 86, 0.2)));
        yield return Attention("key mask", new AttentionOptions(0.25, Causality.BottomRight), b => new AttentionMasks(KeyMask: Mask(b, 2, 75, 12)));
        yield return Attention("nothing visible", new AttentionOptions(0.25), b => new AttentionMasks(KeyMask: Mask(b, 2, 75, 75)));
        yield return Attention("bias and sinks", new AttentionOptions(0.25), b => new AttentionMasks(Bias: b.Real(new Shape(1, 6, 70, 75), 87), Sinks: b.Real(new Shape(6), 88)));
        yield return Attention("a whole mask", new AttentionOptions(0.25), b => new AttentionMasks(FullMask: Mask(b, 70, 75, 30).Unsqueeze(0).Unsqueeze(0)));
        yield return Attention("sinks", new AttentionOptions(0.25, Causality.BottomRight), b => new AttentionMasks(Sinks: b.Real(new Shape(6), 88)));
        yield return Attention("packed sequences", new AttentionOptions(0.25, Causality.BottomRight), b => new AttentionMasks(
            CuSeqlensQ: b.Whole(0, 3, 40, 40, 70), CuSeqlensK: b.Whole(0, 5, 41, 42, 75)), batch: 1);
        yield return Attention("wide values", new AttentionOptions(0.25, Causality.BottomRight), dv: 48);
        yield return Attention("one query over a cache", new AttentionOptions(0.25, Causality.BottomRight), tq: 1, tk: 130);
    }

    private static View Mask(CallBench b, int rows, int keys, int hidden)
    {
        var mask = new long[rows * keys];
        for (int i = 0; i < mask.Length; i++)
            mask[i] = i % keys >= hidden || i >= keys ? 1 : 0;
        return b.Whole(mask).Reshape(new Shape(rows, keys));
    }

    private static CallCase Attention(string name, AttentionOptions options, Func<CallBench, AttentionMasks>? masks = null, int batch = 2, int tq = 70, int tk = 75, int dv = 32) =>
        new($"attention and its gradients, {name}", b =>
        {
            int heads = 6, shared = 2, d = 32;
            var (q, k, v) = (b.Real(new Shape(batch, tq, heads, d), 82, 2), b.Real(new Shape(batch, tk, shared, d), 83, 2), b.Real(new Shape(batch, tk, shared, dv), 84));
            var (y, lse, dy) = (b.Empty(new Shape(batch, tq, heads, dv)), b.Empty(new Shape(batch, heads, tq)), b.Real(new Shape(batch, tq, heads, dv), 85));
            var (dq, dk, dvs) = (b.Empty(q.Shape), b.Empty(k.Shape), b.Empty(v.Shape));
            var m = masks?.Invoke(b) ?? default;
            var (dbias, dsinks) = (m.Bias.Exists ? b.Empty(m.Bias.Shape) : default, m.Sinks.Exists ? b.Empty(m.Sinks.Shape) : default);
            b.Device.Run(new AttentionCall(q, k, v, y, lse, options, m));
            b.Device.Run(new AttentionGradCall(q, k, v, y, lse, dy, dq, dk, dvs, options, m, dbias, dsinks));
            foreach (var (result, view) in new[] { ("y", y), ("lse", lse), ("dq", dq), ("dk", dk), ("dv", dvs), ("dbias", dbias), ("dsinks", dsinks) })
            {
                if (view.Exists)
                    b.Result(result, view);
            }
        }, 1e-5);
}
