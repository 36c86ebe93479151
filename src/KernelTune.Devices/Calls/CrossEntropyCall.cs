using KernelTune.Devices.Memory;
using KernelTune.Kernels.Elementwise;

namespace KernelTune.Devices.Calls;

/// <summary>The variants of cross-entropy.</summary>
/// <param name="IgnoreIndex">Rows with this label count for nothing.</param>
/// <param name="Smoothing">e: (1 − e)·nll + e/V · Σ −log p.</param>
/// <param name="ZLoss">z: adds z·logsumexp².</param>
/// <param name="Softcap">c &gt; 0: logits become c·tanh(logits / c) first.</param>
public readonly record struct CrossEntropyOptions(int IgnoreIndex = -100, double Smoothing = 0, double ZLoss = 0, double Softcap = 0)
{
    /// <summary>Labels of −100 ignored, nothing else.</summary>
    public static CrossEntropyOptions Plain { get; } = new(-100);
}

/// <summary>
/// loss[n] = −log softmax(logits[n])[label[n]], 0 where the label is ignored; lse[n] = log Σ e^logits. Logits: [N, V]; Labels: I64 [N];
/// Weight: [V] class weights or absent; Loss, Lse: [N].
/// </summary>
public readonly record struct CrossEntropyCall(View Logits, View Labels, View Weight, View Loss, View Lse, CrossEntropyOptions Options) : ICall
{
    public static string Name => "cross_entropy";

    public long Flops => 4 * Logits.Elements;

    public long Bytes => Logits.Bytes;

    public void Compose(Device device)
    {
        using var work = new Workspace(device, Name);
        var shape = Logits.Shape;
        var (z, t) = (work.Like(Logits), work.Like(Logits));
        var (max, sum) = (work.Take(shape.With(1, 1), Logits.Type), work.Take(shape.With(1, 1), Logits.Type));
        var (lse, loss) = (Lse.Unsqueeze(1), Loss.Unsqueeze(1));
        Capped(device, Logits, z, Options.Softcap);
        device.Run(new ReduceCall(z, max, 1, Reduction.Max));
        device.Run(MapCall.Binary<Sub, None>(t, z, max.Broadcast(shape)));
        device.Run(MapCall.Unary<Exp, None>(t, t));
        device.Run(new ReduceCall(t, sum, 1, Reduction.Sum));
        device.Run(MapCall.Unary<Log, None>(sum, sum));
        device.Run(MapCall.Binary<Add, None>(lse, sum, max));

        // loss = Σ_j target_j · (lse − z_j) + zLoss·lse², the targets being the smoothed and weighted one-hot rows.
        var targets = Targets(device, work, Labels, Weight, shape, Options, Logits.Type);
        device.Run(MapCall.Binary<Sub, None>(t, lse.Broadcast(shape), z));
        device.Run(MapCall.Step2<MulCounted, None>(t, t, targets));
        device.Run(new ReduceCall(t, loss, 1, Reduction.Sum));
        if (Options.ZLoss != 0)
        {
            var counted = Counted(device, work, Labels, Options, Logits.Type);
            device.Run(MapCall.Unary<Square, None>(sum, lse));
            device.Run(MapCall.Binary<Mul, None>(sum, sum, counted));
            device.Run(MapCall.Unary<Scale, ScaleParams>(sum, sum, new ScaleParams(Options.ZLoss)));
            device.Run(MapCall.Binary<Add, None>(loss, loss, sum));
        }
    }

    /// <summary>z = c·tanh(x / c), or a copy where c is 0.</summary>
    public static void Capped(Device device, in View x, in View z, double cap, bool inPlace = false)
    {
        if (cap == 0 && inPlace)
            return;
        if (cap == 0)
        {
            device.Run(new CopyCall(x, z));
            return;
        }
        device.Run(MapCall.Unary<Scale, ScaleParams>(z, x, new ScaleParams(1 / cap)));
        device.Run(MapCall.Unary<Tanh, None>(z, z));
        device.Run(MapCall.Unary<Scale, ScaleParams>(z, z, new ScaleParams(cap)));
    }

    /// <summary>1 where the row counts, [N, 1].</summary>
    public static View Counted(Device device, Workspace work, in View labels, in CrossEntropyOptions options, KernelTune.Kernels.Numerics.DType type)
    {
        var label = work.Take(new Shape(labels.Shape[0], 1), type);
        device.Run(new CopyCall(labels.Unsqueeze(1), label));
        device.Run(MapCall.Step<NotEqualTo, ScaleParams>(label, label, new ScaleParams(options.IgnoreIndex)));
        return label;
    }

    /// <summary>The weight of −log p of each class: [N, V], zero in ignored rows.</summary>
    public static View Targets(Device device, Workspace work, in View labels, in View weight, Shape shape, in CrossEntropyOptions options, KernelTune.Kernels.Numerics.DType type)
    {
        WholeNumbers.Check(CrossEntropyCall.Name, shape[1], type);
        var target = work.Take(shape, type);
        var label = work.Take(new Shape(shape[0], 1), type);
        var ramp = work.Take(new Shape(shape[1]), type);
        device.Run(new CopyCall(labels.Unsqueeze(1), label));
        device.Run(new RampCall(ramp, 0, 1));
        device.Run(MapCall.Step2<Equal, None>(target, label.Broadcast(shape), ramp.Broadcast(shape)));
        if (options.Smoothing != 0)
            device.Run(MapCall.Unary<AffineOf, AffineParams>(target, target, new AffineParams(1 - options.Smoothing, options.Smoothing / shape[1])));
        if (weight.Exists)
            device.Run(MapCall.Binary<Mul, None>(target, target, weight.Broadcast(shape)));
        device.Run(MapCall.Step<NotEqualTo, ScaleParams>(label, label, new ScaleParams(options.IgnoreIndex)));
        device.Run(MapCall.Binary<Mul, None>(target, target, label.Broadcast(shape)));
        return target;
    }
}

/// <summary>
/// dlogits of <see cref="CrossEntropyCall"/>: row n times RowScale[n] (or RowScale[0] for all rows). DLogits may be Logits: the gradient then overwrites them.
/// RowScale: [N] or [1] on the device.
/// </summary>
public readonly record struct CrossEntropyGradCall(View Logits, View Labels, View Weight, View Lse, View RowScale, View DLogits, CrossEntropyOptions Options) : ICall
{
    public static string Name => "cross_entropy_grad";

    public long Flops => 4 * Logits.Elements;

    public long Bytes => Logits.Bytes + DLogits.Bytes;

    public void Compose(Device device)
    {
        using var work = new Workspace(device, Name);
        var shape = Logits.Shape;
        var type = Logits.Type;
        var (z, p) = (work.Like(Logits), work.Like(Logits));
        var mass = work.Take(shape.With(1, 1), type);
        var lse = Lse.Unsqueeze(1);
        CrossEntropyCall.Capped(device, Logits, z, Options.Softcap);

        // The softmax anew, and not e^(z − lse): an lse of a thousand has lost the digits that the exponential needs.
        device.Run(new SoftmaxCall(z, p));
        var targets = CrossEntropyCall.Targets(device, work, Labels, Weight, shape, Options, type);

        // d/dz_j of Σ_i target_i·(lse − z_i) + zLoss·lse² = p_j·(Σ target + 2·zLoss·lse) − target_j.
        device.Run(new ReduceCall(targets, mass, 1, Reduction.Sum));
        if (Options.ZLoss != 0)
        {
            var counted = CrossEntropyCall.Counted(device, work, Labels, Options, type);
            device.Run(MapCall.Binary<Mul, None>(counted, counted, lse));
            device.Run(MapCall.Unary<Scale, ScaleParams>(counted, counted, new ScaleParams(2 * Options.ZLoss)));
            device.Run(MapCall.Binary<Add, None>(mass, mass, counted));
        }
        device.Run(MapCall.Binary<Mul, None>(p, p, mass.Broadcast(shape)));
        device.Run(MapCall.Binary<Sub, None>(p, p, targets));
        device.Run(MapCall.Binary<Mul, None>(p, p, RowScale.Unsqueeze(1).Broadcast(shape)));
        if (Options.Softcap != 0)
        {
            // dz/dx = 1 − (z / c)².
            device.Run(MapCall.Unary<Scale, ScaleParams>(z, z, new ScaleParams(1 / Options.Softcap)));
            device.Run(MapCall.Unary<Square, None>(z, z));
            device.Run(MapCall.Unary<AffineOf, AffineParams>(z, z, new AffineParams(-1, 1)));
            device.Run(MapCall.Binary<Mul, None>(p, p, z));
        }
        device.Run(new CopyCall(p, DLogits));
    }
}
