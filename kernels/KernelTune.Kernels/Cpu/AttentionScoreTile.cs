using KernelTune.Kernels.Lanes;

namespace KernelTune.Kernels.Cpu;

/// <summary>
/// A tile of scaled products q·k and what makes scores of them: cap, bias, ALiBi, masks. Rows of the tile are keys and its lanes queries
/// (forward), or the other way round (backward); hidden pairs, and lanes beyond the last, become −∞.
/// </summary>
internal unsafe struct AttentionScoreTile
{
    /// <summary>Element (row, lane) at row·Ld + lane; Lanes is a multiple of 16, of which the first ValidLanes count.</summary>
    public float* Data;
    public int Rows, Lanes, ValidLanes;
    public nint Ld;
    public bool LanesAreQueries;

    /// <summary>The segment's row that the tile's first row and first lane are.</summary>
    public int FirstRow, FirstLane;

    /// <summary>The keys that query i of a segment may see by distance: from and to (exclusive), within the segment.</summary>
    public static (int From, int To) KeysOf(in AttentionShape shape, in AttentionSegment segment, long firstQuery, long lastQuery)
    {
        var from = shape.Earliest == long.MinValue ? 0 : firstQuery + segment.Shift + shape.Earliest;
        var to = shape.Latest == long.MaxValue ? segment.Keys : lastQuery + segment.Shift + shape.Latest + 1;
        return ((int)Math.Clamp(from, 0, segment.Keys), (int)Math.Clamp(to, 0, segment.Keys));
    }

    /// <summary>Makes scores. <paramref name="slope"/>, laid out as the tile, receives the cap's derivative where there is a cap; or null.</summary>
    public readonly void Finish<V>(in AttentionArgs<float> args, in AttentionSegment segment, int head, float* slope) where V : struct, IRowLane<V>
    {
        var shape = args.Shape;
        if (shape.Softcap > 0)
            Cap<V>(shape.Softcap, slope);
        if (args.Bias != null)
            AddBias(args, segment, head);
        if (args.Slopes != null)
            AddDistances<V>(args.Slopes[head], segment.Shift);
        HideByDistance(shape, segment);
        if (args.KeyMask != null)
            HideKeys(args.KeyMask + segment.Batch * args.KeyMaskStride + segment.FirstKey);
        if (args.Mask != null)
            HidePairs(args, segment, head);
    }

    private readonly void Cap<V>(float cap, float* slope) where V : struct, IRowLane<V>
    {
        V c = V.Create(cap);
        for (var r = 0; r < Rows; r++)
            for (var l = 0; l < Lanes; l += V.Width)
            {
                var at = Data + r * Ld + l;
                V t = V.Tanh(V.Load(at) / c);
                V.Store(c * t, at);
                if (slope != null)
                    V.Store(V.One - t * t, slope + r * Ld + l);
            }
    }

    private readonly void AddBias(in AttentionArgs<float> args, in AttentionSegment segment, int head)
    {
        var stride = args.BiasStride;
        var (rowStep, laneStep) = LanesAreQueries ? (stride.Key, stride.Row) : (stride.Row, stride.Key);
        var from = args.Bias + Offset(stride, segment, head);
        for (var r = 0; r < Rows; r++)
            for (var l = 0; l < ValidLanes; l++)
                Data[r * Ld + l] += from[r * rowStep + l * laneStep];
    }

    private readonly void AddDistances<V>(float slope, int shift) where V : struct, IRowLane<V>
    {
        // distance = key − query − shift, exact in a float; one rounding in slope·distance, one in the sum.
        var lanes = stackalloc float[V.Width];
        for (var l = 0; l < V.Width; l++)
            lanes[l] = LanesAreQueries ? -l : l;
        V ramp = V.Load(lanes), factor = V.Create(slope);
        for (var r = 0; r < Rows; r++)
            for (var l = 0; l < Lanes; l += V.Width)
            {
                var first = LanesAreQueries ? FirstRow + r - (FirstLane + l) - shift : FirstLane + l - (FirstRow + r) - shift;
                var at = Data + r * Ld + l;
                V.Store(V.Load(at) + factor * (V.Create((float)first) + ramp), at);
            }
    }

    private readonly void HideByDistance(in AttentionShape shape, in AttentionSegment segment)
    {
        // Least and greatest of lane − row that are visible.
        var (least, greatest) = LanesAreQueries
            ? (shape.Latest == long.MaxValue ? long.MinValue / 4 : -shape.Latest - segment.Shift,
               shape.Earliest == long.MinValue ? long.MaxValue / 4 : -shape.Earliest - segment.Shift)
            : (shape.Earliest == long.MinValue ? long.MinValue / 4 : shape.Earliest + segment.Shift,
               shape.Latest == long.MaxValue ? long.MaxValue / 4 : shape.Latest + segment.Shift);
        for (var r = 0; r < Rows; r++)
        {
            var origin = (long)FirstRow + r - FirstLane;
            var from = Math.Clamp(origin + least, 0, ValidLanes);
            var to = Math.Clamp(origin + greatest + 1, from, ValidLanes);
            if (from > 0)
                Hide(Data + r * Ld, (int)from);
            if (to < Lanes)
                Hide(Data + r * Ld + to, Lanes - (int)to);
        }
    }

    private readonly void HideKeys(long* mask)
    {
        for (var r = 0; r < Rows; r++)
            if (LanesAreQueries)
            {
                if (mask[FirstRow + r] == 0)
                    Hide(Data + r * Ld, Lanes);
            }
            else
            {
                for (var l = 0; l < ValidLanes; l++)
                    if (mask[FirstLane + l] == 0)
                        Data[r * Ld + l] = float.NegativeInfinity;
            }
    }

    private readonly void HidePairs(in AttentionArgs<float> args, in AttentionSegment segment, int head)
    {
        var stride = args.MaskStride;
        var (rowStep, laneStep) = LanesAreQueries ? (stride.Key, stride.Row) : (stride.Row, stride.Key);
        var mask = args.Mask + Offset(stride, segment, head);
        for (var r = 0; r < Rows; r++)
            for (var l = 0; l < ValidLanes; l++)
                if (mask[r * rowStep + l * laneStep] == 0)
                    Data[r * Ld + l] = float.NegativeInfinity;
    }

    /// <summary>Of the tile's first element in an operand over [B, H, Tq, Tk].</summary>
    private readonly nint Offset(in AttentionScoreStride stride, in AttentionSegment segment, int head)
    {
        var (query, key) = LanesAreQueries ? (FirstLane, FirstRow) : (FirstRow, FirstLane);
        return segment.Batch * stride.Batch + head * stride.Head + (segment.FirstQuery + query) * stride.Row + (segment.FirstKey + key) * stride.Key;
    }

    private static void Hide(float* at, int count) => new Span<float>(at, count).Fill(float.NegativeInfinity);
}
