using KernelTune.Kernels.Gpu;

namespace KernelTune.Devices.Gpu;

/// <summary>
/// How a launch walks some views of one shape: axes of length 1 are left out, neighbours that lie alike in every view are joined, and a walk of 2^31 elements or
/// more is cut along the innermost axis that brings it there; the axes around that one are walked a place a launch.
/// </summary>
internal unsafe struct AxisPlan
{
    private const int MostViews = 7;
    private const long MostElements = 1L << 31;

    private fixed int lengths[Devices.Shape.MaxRank];
    private fixed long steps[MostViews * Devices.Shape.MaxRank];
    private fixed long starts[MostViews];
    private int rank;

    // The axis that is cut, the elements inside it, how many of its places a piece has, and pieces along it.
    private int cut;
    private long inner;
    private int perPiece, piecesAlong;

    /// <summary>A plan for views of one shape; absent ones are walked as if every step were 0.</summary>
    public static AxisPlan Of(Shape shape, params ReadOnlySpan<View> views)
    {
        AxisPlan plan = default;
        for (int v = 0; v < views.Length; v++)
            plan.starts[v] = views[v].Exists ? views[v].Offset : 0;
        for (int axis = shape.Length - 1; axis >= 0; axis--)
        {
            if (shape[axis] == 1)
                continue;
            if (plan.rank > 0 && plan.Joins(shape, axis, views))
            {
                plan.lengths[plan.rank - 1] *= shape[axis];
                continue;
            }
            plan.lengths[plan.rank] = shape[axis];
            for (int v = 0; v < views.Length; v++)
                plan.steps[(v * Devices.Shape.MaxRank) + plan.rank] = views[v].Exists ? views[v].Stride(axis) : 0;
            plan.rank++;
        }
        if (plan.rank == 0)
            plan.lengths[plan.rank++] = 1;
        plan.Cut();
        return plan;
    }

    /// <summary>Launches that the walk takes; 0 where there are no elements.</summary>
    public readonly int Pieces
    {
        get
        {
            long pieces = inner == 0 ? 0 : piecesAlong;
            for (int axis = cut + 1; axis < rank; axis++)
                pieces *= lengths[axis];
            return checked((int)pieces);
        }
    }

    /// <summary>True where one axis is enough, walked forwards, with every index below 2^31.</summary>
    public readonly bool IsFlat
    {
        get
        {
            if (rank != 1)
                return false;
            for (int v = 0; v < MostViews; v++)
            {
                long step = steps[v * Devices.Shape.MaxRank];
                if (step < 0 || step >= MostElements || step * lengths[0] >= MostElements)
                    return false;
            }
            return true;
        }
    }

    /// <summary>The shape of one piece.</summary>
    public readonly Layout Shape(int piece = 0)
    {
        int outer = Math.Min(perPiece, lengths[cut] - (piece % piecesAlong * perPiece));
        return new Layout
        {
            Count = (uint)(outer * inner),
            Rank = cut + 1,
            L0 = (uint)lengths[0],
            L1 = (uint)lengths[1],
            L2 = (uint)lengths[2],
            L3 = (uint)lengths[3],
            L4 = (uint)lengths[4],
        };
    }

    /// <summary>Where the elements of one view lie, in one piece.</summary>
    public readonly Steps Steps(int view, int piece = 0)
    {
        int at = view * Devices.Shape.MaxRank;
        (int around, int along) = Math.DivRem(piece, piecesAlong);
        long start = starts[view] + (steps[at + cut] * along * perPiece);
        for (int axis = cut + 1; axis < rank; axis++)
        {
            start += steps[at + axis] * (around % lengths[axis]);
            around /= lengths[axis];
        }
        return new Steps
        {
            Start = start,
            S0 = steps[at],
            S1 = steps[at + 1],
            S2 = steps[at + 2],
            S3 = steps[at + 3],
            S4 = steps[at + 4],
            S5 = steps[at + 5],
        };
    }

    // True where in every view the axis steps over just what is inside it.
    private readonly bool Joins(Shape shape, int axis, ReadOnlySpan<View> views)
    {
        if ((long)lengths[rank - 1] * shape[axis] >= int.MaxValue)
            return false;
        for (int v = 0; v < views.Length; v++)
        {
            if (views[v].Exists && views[v].Stride(axis) != steps[(v * Devices.Shape.MaxRank) + rank - 1] * lengths[rank - 1])
                return false;
        }
        return true;
    }

    private void Cut()
    {
        (inner, cut) = (1, 0);
        while (cut < rank - 1 && inner * lengths[cut] < MostElements)
            inner *= lengths[cut++];
        perPiece = (int)Math.Clamp((MostElements - 1) / Math.Max(1, inner), 1, Math.Max(1, lengths[cut]));
        piecesAlong = (int)(((long)lengths[cut] + perPiece - 1) / perPiece);
    }
}
