namespace KernelTune.Kernels.Cpu;

/// <summary>Attention and its gradients by their definition, in double precision, with every option: the oracle of the fast kernels.</summary>
public static unsafe class AttentionReference
{
    /// <summary>Bytes of workspace: a row of scores, of weights and of their gradients.</summary>
    public static nuint Workspace(in AttentionShape shape) => (nuint)(3L * Math.Max(1, shape.Keys) * sizeof(double));

    /// <summary>Y = softmax(mask(cap(q·kᵀ·scale) + bias))·v and Lse.</summary>
    public static void Forward(in AttentionArgs<double> args, double* workspace)
    {
        var shape = args.Shape;
        for (var s = 0; s < shape.Segments; s++)
        {
            var segment = args.Segment(s);
            for (var h = 0; h < shape.Heads; h++)
                for (var i = 0; i < segment.Queries; i++)
                {
                    Scores(args, segment, h, i, workspace, null);
                    var lse = LogSum(args, segment, h, workspace);
                    args.Lse[((nint)segment.Batch * shape.Heads + h) * shape.Queries + segment.FirstQuery + i] = lse;
                    var y = Row(args.Y, args.YStride, segment.Batch, segment.FirstQuery + i, h);
                    new Span<double>(y, shape.ValueWidth).Clear();
                    for (var j = 0; j < segment.Keys; j++)
                    {
                        var p = Weight(workspace[j], lse);
                        if (p == 0)
                            continue;
                        var v = Row(args.V, args.VStride, segment.Batch, segment.FirstKey + j, h / shape.Group);
                        for (var d = 0; d < shape.ValueWidth; d++)
                            y[d] += p * v[d];
                    }
                }
        }
    }

    /// <summary>DQ, DK, DV, DSinks, and DBias (strides as Bias's, summed where they repeat), which may be null and is overwritten.</summary>
    public static void Backward(in AttentionGradArgs<double> grad, double* biasGrad, double* workspace)
    {
        var args = grad.Forward;
        var shape = args.Shape;
        double* scores = workspace, slope = workspace + Math.Max(1, shape.Keys), ds = slope + Math.Max(1, shape.Keys);
        Begin(grad, biasGrad);
        for (var s = 0; s < shape.Segments; s++)
        {
            var segment = args.Segment(s);
            for (var h = 0; h < shape.Heads; h++)
                for (var i = 0; i < segment.Queries; i++)
                {
                    Scores(args, segment, h, i, scores, slope);
                    var lse = LogSum(args, segment, h, scores);
                    var row = segment.FirstQuery + i;
                    double* dy = Row(grad.DY, grad.DYStride, segment.Batch, row, h), q = Row(args.Q, args.QStride, segment.Batch, row, h);
                    // D = Σⱼ p·dp, which is what dy·y is.
                    var delta = 0.0;
                    for (var j = 0; j < segment.Keys; j++)
                    {
                        ds[j] = Dot(dy, Row(args.V, args.VStride, segment.Batch, segment.FirstKey + j, h / shape.Group), shape.ValueWidth);
                        delta += Weight(scores[j], lse) * ds[j];
                    }
                    if (grad.DSinks != null && args.Sinks != null)
                        grad.DSinks[h] -= Weight(args.Sinks[h], lse) * delta;
                    for (var j = 0; j < segment.Keys; j++)
                    {
                        var p = Weight(scores[j], lse);
                        if (p == 0)
                            continue;
                        var key = segment.FirstKey + j;
                        var g = p * (ds[j] - delta);
                        if (biasGrad != null)
                            biasGrad[At(args.BiasStride, segment.Batch, h, row, key)] += g;
                        g *= slope[j] * shape.Scale;
                        if (grad.DV != null)
                            Add(Row(grad.DV, grad.DVStride, segment.Batch, key, h / shape.Group), p, dy, shape.ValueWidth);
                        if (grad.DK != null)
                            Add(Row(grad.DK, grad.DKStride, segment.Batch, key, h / shape.Group), g, q, shape.Width);
                        if (grad.DQ != null)
                            Add(Row(grad.DQ, grad.DQStride, segment.Batch, row, h), g, Row(args.K, args.KStride, segment.Batch, key, h / shape.Group), shape.Width);
                    }
                }
        }
    }

    /// <summary>A row's scores, −∞ where a key is hidden, and the cap's derivative at each.</summary>
    private static void Scores(in AttentionArgs<double> args, in AttentionSegment segment, int head, int query, double* scores, double* slope)
    {
        var shape = args.Shape;
        var row = segment.FirstQuery + query;
        var q = Row(args.Q, args.QStride, segment.Batch, row, head);
        for (var j = 0; j < segment.Keys; j++)
        {
            var key = segment.FirstKey + j;
            var score = shape.Scale * Dot(q, Row(args.K, args.KStride, segment.Batch, key, head / shape.Group), shape.Width);
            var derivative = 1.0;
            if (shape.Softcap > 0)
            {
                var t = Math.Tanh(score / shape.Softcap);
                score = shape.Softcap * t;
                derivative = 1 - t * t;
            }
            var distance = (long)j - query - segment.Shift;
            if (args.Bias != null)
                score += args.Bias[At(args.BiasStride, segment.Batch, head, row, key)];
            if (args.Slopes != null)
                score += args.Slopes[head] * distance;
            var visible = distance >= shape.Earliest && distance <= shape.Latest
                && (args.KeyMask == null || args.KeyMask[segment.Batch * args.KeyMaskStride + key] != 0)
                && (args.Mask == null || args.Mask[At(args.MaskStride, segment.Batch, head, row, key)] != 0);
            scores[j] = visible ? score : double.NegativeInfinity;
            if (slope != null)
                slope[j] = derivative;
        }
    }

    private static double LogSum(in AttentionArgs<double> args, in AttentionSegment segment, int head, double* scores)
    {
        var sink = args.Sinks == null ? double.NegativeInfinity : args.Sinks[head];
        var top = sink;
        for (var j = 0; j < segment.Keys; j++)
            top = Math.Max(top, scores[j]);
        if (double.IsNegativeInfinity(top))
            return top;
        var sum = Math.Exp(sink - top);
        for (var j = 0; j < segment.Keys; j++)
            sum += Math.Exp(scores[j] - top);
        return top + Math.Log(sum);
    }

    private static double Weight(double score, double lse) => double.IsNegativeInfinity(lse) ? 0 : Math.Exp(score - lse);

    private static void Begin(in AttentionGradArgs<double> grad, double* biasGrad)
    {
        var (args, shape) = (grad.Forward, grad.Forward.Shape);
        for (var b = 0; b < shape.Batch; b++)
            for (var h = 0; h < shape.Heads; h++)
            {
                for (var i = 0; i < shape.Queries; i++)
                {
                    if (grad.DQ != null && !grad.AddQ)
                        new Span<double>(Row(grad.DQ, grad.DQStride, b, i, h), shape.Width).Clear();
                    if (biasGrad != null)
                        for (var j = 0; j < shape.Keys; j++)
                            biasGrad[At(args.BiasStride, b, h, i, j)] = 0;
                }
                for (var j = 0; h < shape.KeyHeads && j < shape.Keys; j++)
                {
                    if (grad.DK != null && !grad.AddK)
                        new Span<double>(Row(grad.DK, grad.DKStride, b, j, h), shape.Width).Clear();
                    if (grad.DV != null && !grad.AddV)
                        new Span<double>(Row(grad.DV, grad.DVStride, b, j, h), shape.ValueWidth).Clear();
                }
            }
        if (grad.DSinks != null)
            new Span<double>(grad.DSinks, shape.Heads).Clear();
    }

    private static nint At(in AttentionScoreStride stride, int batch, int head, int row, int key) =>
        batch * stride.Batch + head * stride.Head + row * stride.Row + key * stride.Key;

    private static double* Row(double* start, in AttentionStride stride, int batch, int row, int head) =>
        start + batch * stride.Batch + row * stride.Row + head * stride.Head;

    private static double Dot(double* a, double* b, int count)
    {
        var sum = 0.0;
        for (var i = 0; i < count; i++)
            sum += a[i] * b[i];
        return sum;
    }

    private static void Add(double* to, double factor, double* from, int count)
    {
        for (var i = 0; i < count; i++)
            to[i] += factor * from[i];
    }
}
