using KernelTune.Devices;
using KernelTune.Devices.Calls;

namespace KernelTune.Autograd.Ops;

/// <summary>What else than q, k and v attention reads; see <see cref="AttentionMasks"/>.</summary>
public sealed record AttentionExtras(Tensor? KeyMask = null, Tensor? FullMask = null, Tensor? Bias = null, Tensor? Slopes = null, Tensor? Sinks = null,
    Tensor? CuSeqlensQ = null, Tensor? CuSeqlensK = null)
{
    /// <summary>Nothing.</summary>
    public static AttentionExtras None { get; } = new();

    internal AttentionMasks Masks => new(View(KeyMask), View(FullMask), View(Bias), View(Slopes), View(Sinks), View(CuSeqlensQ), View(CuSeqlensK));

    private static View View(Tensor? tensor) => tensor?.View ?? default;
}

/// <summary>
/// Attention with everything that its variants ask for. q: [B, Tq, H, D], k: [B, Tk, Hkv, D], v: [B, Tk, Hkv, Dv]; y: [B, Tq, H, Dv]; lse: [B, H, Tq], the natural
/// log of the softmax's denominator. Saves q, k, v, y and lse: never the scores. See <see cref="AttentionCall"/>.
/// </summary>
/// <exception cref="ShapeException">The shapes do not fit together.</exception>
public static class AttentionOp
{
    public static Tensor Apply(Tensor q, Tensor k, Tensor v, AttentionOptions options, AttentionExtras? extras = null) =>
        Apply(q, k, v, options, extras, false, out _, out _);

    /// <summary>The same; also gives lse, and the weights [B, H, Tq, Tk] where they are asked for: then the composed path runs.</summary>
    public static Tensor Apply(Tensor q, Tensor k, Tensor v, AttentionOptions options, AttentionExtras? extras, bool wantsWeights, out Tensor lse, out Tensor? weights)
    {
        extras ??= AttentionExtras.None;
        Check(q, k, v);
        (q, k, v) = (Contiguous.LastAxis(q), Contiguous.LastAxis(k), Contiguous.LastAxis(v));
        var session = q.Parameter is null ? q.Session : k.Parameter is null ? k.Session : v.Session;
        var y = session.New(q.Shape.With(3, v.Shape[3]));
        lse = session.New(new Shape(q.Shape[0], q.Shape[2], q.Shape[1]));
        weights = wantsWeights ? session.New(new Shape(q.Shape[0], q.Shape[2], q.Shape[1], k.Shape[1])) : null;
        var call = new AttentionCall(q.View, k.View, v.View, y.View, lse.View, options, extras.Masks);
        if (weights is null)
            session.Run(call, y, lse);
        else
            call.ComposeWithWeights(session.Device, weights.View);
        return session.Record("attention", y, [q, k, v, extras.Bias, extras.Sinks], new Backward(q, k, v, y, lse, options, extras),
            q, k, v, y, lse, extras.KeyMask, extras.FullMask, extras.Bias, extras.Slopes, extras.Sinks, extras.CuSeqlensQ, extras.CuSeqlensK);
    }

    private static void Check(Tensor q, Tensor k, Tensor v)
    {
        bool fits = q.Shape.Length == 4 && k.Shape.Length == 4 && v.Shape.Length == 4
            && q.Shape[0] == k.Shape[0] && k.Shape[0] == v.Shape[0] && k.Shape[1] == v.Shape[1] && k.Shape[2] == v.Shape[2]
            && q.Shape[3] == k.Shape[3] && k.Shape[2] > 0 && q.Shape[2] % k.Shape[2] == 0;
        if (!fits)
            throw new ShapeException("attention", $"q {q.Shape}, k {k.Shape}, v {v.Shape}: wanted [B, Tq, H, D], [B, Tk, Hkv, D], [B, Tk, Hkv, Dv] with H a multiple of Hkv");
    }

    private sealed class Backward(Tensor q, Tensor k, Tensor v, Tensor y, Tensor lse, AttentionOptions options, AttentionExtras extras) : IBackward
    {
        public void Run(ReadOnlySpan<View> gradOutputs, Gradients gradients)
        {
            var (dq, dk, dv) = (Begin(gradients, q), Begin(gradients, k), Begin(gradients, v));
            var (dBias, dSinks) = (Begin(gradients, extras.Bias), Begin(gradients, extras.Sinks));
            gradients.Device.Run(new AttentionGradCall(q.View, k.View, v.View, y.View, lse.View, gradOutputs[0], dq, dk, dv, options, extras.Masks, dBias, dSinks));
            Finish(gradients, q, dq);
            Finish(gradients, k, dk);
            Finish(gradients, v, dv);
            Finish(gradients, extras.Bias, dBias);
            Finish(gradients, extras.Sinks, dSinks);
        }

        private static View Begin(Gradients gradients, Tensor? x) => gradients.Wants(x) ? gradients.Begin(x!) : default;

        private static void Finish(Gradients gradients, Tensor? x, in View dx)
        {
            if (dx.Exists)
                gradients.Finish(x!, dx);
        }
    }
}
