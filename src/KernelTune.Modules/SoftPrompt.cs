using KernelTune.Autograd;
using KernelTune.Autograd.Ops;
using KernelTune.Devices;
using KernelTune.Devices.Calls;
using KernelTune.Devices.Memory;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Modules;

/// <summary>Embeddings of virtual tokens in front of those of a text (Lester et al., 2021).</summary>
public static class SoftPrompt
{
    /// <summary>[B, n + T, C]: the prompt [n, C] in front of every row of embeddings [B, T, C].</summary>
    public static Tensor Before(Tensor prompt, Tensor embeddings) =>
        Concat.Apply(1, Expand.Apply(prompt, new Shape(embeddings.Shape[0], prompt.Shape[0], prompt.Shape[1])), embeddings);

    /// <summary>
    /// Targets [B, T] for hidden states of <paramref name="length"/> positions: the virtual ones in front have −100, and the last of them the label of the row's first token.
    /// </summary>
    public static Tensor Targets(Tensor targets, Tensor? firstLabels, int length)
    {
        int given = targets.Shape[1], added = length - given;
        if (added == 0)
            return targets;
        var session = targets.Session;
        var longer = session.New(targets.Shape.With(1, length), DType.I64, Category.Batches);
        session.Device.Run(new FillCall(longer.View.Slice(1, 0, added), -100));
        if (firstLabels is not null)
            session.Device.Run(new CopyCall(firstLabels.View, longer.View.Slice(1, added - 1, 1)));
        session.Device.Run(new CopyCall(targets.View, longer.View.Slice(1, added, given)));
        return longer;
    }

    /// <summary>A key mask [B, Tk] of a text with <paramref name="count"/> virtual tokens in front of it, which all may be attended to.</summary>
    public static Tensor Mask(Tensor mask, int count)
    {
        var session = mask.Session;
        var longer = session.New(mask.Shape.With(1, mask.Shape[1] + count), DType.I64, Category.Batches);
        session.Device.Run(new FillCall(longer.View.Slice(1, 0, count), 1));
        session.Device.Run(new CopyCall(mask.View, longer.View.Slice(1, count, mask.Shape[1])));
        return longer;
    }

    /// <summary>
    /// Positions [B, T] of a text behind <paramref name="count"/> virtual tokens: each is greater by so many. With <paramref name="with"/> the virtual tokens' own, 0, 1, 2 …, stand in front.
    /// </summary>
    public static Tensor Positions(Tensor positions, int count, bool with)
    {
        var session = positions.Session;
        int rows = positions.Shape[0], length = positions.Shape[1], front = with ? count : 0;
        var shifted = session.New(new Shape(rows, front + length), DType.I64, Category.Batches);
        if (with)
        {
            var ramp = session.New(new Shape(count), DType.I64, Category.Batches);
            session.Device.Run(new RampCall(ramp.View, 0, 1));
            session.Device.Run(new CopyCall(ramp.View.Broadcast(new Shape(rows, count)), shifted.View.Slice(1, 0, count)));
        }
        var real = session.New(positions.Shape);
        session.Device.Run(new CopyCall(positions.View, real.View));
        session.Device.Run(MapCall.Unary<KernelTune.Kernels.Elementwise.AffineOf, KernelTune.Kernels.Elementwise.AffineParams>(
            real.View, real.View, new KernelTune.Kernels.Elementwise.AffineParams(1, count)));
        session.Device.Run(new CopyCall(real.View, shifted.View.Slice(1, front, length)));
        return shifted;
    }
}

/// <summary>Keys and values of virtual tokens, layer by layer (Li and Liang, 2021). They are taken as they stand: no rotary positions, no projection.</summary>
/// <param name="Keys">One a layer: [n, Hkv, D].</param>
/// <param name="Values">One a layer: [n, Hkv, D].</param>
public sealed record PrefixKeyValues(Tensor[] Keys, Tensor[] Values)
{
    /// <summary>How many virtual tokens.</summary>
    public int Count => Keys[0].Shape[0];

    /// <summary>A layer's keys and values [B, T, Hkv, D] with the virtual tokens' in front: [B, n + T, Hkv, D].</summary>
    public (Tensor Keys, Tensor Values) Before(int layer, Tensor k, Tensor v) => (Before(Keys[layer], k), Before(Values[layer], v));

    internal void Keep(in Keeper keeper)
    {
        foreach (var tensor in Keys)
            keeper.Keep(tensor);
        foreach (var tensor in Values)
            keeper.Keep(tensor);
    }

    private static Tensor Before(Tensor prefix, Tensor text)
    {
        var shape = text.Shape.With(1, prefix.Shape[0]);
        if (prefix.Shape != new Shape(shape[1], shape[2], shape[3]))
            throw new ShapeException("prefix", $"{prefix.Shape} before {text.Shape}");
        return Concat.Apply(1, Expand.Apply(prefix, shape), text);
    }
}
