using System.Runtime.CompilerServices;

namespace KernelTune.Devices.Cpu;

/// <summary>
/// How up to seven views of one shape are walked together: as few rows as possible, each evenly spaced in every view. Axes are ordered by the first
/// operand's steps (an output should be written in the order of its memory) and merged where all views allow it. A row is cut at fixed places, so that
/// which element belongs to which piece of work never depends on the number of threads.
/// </summary>
internal struct RowPlan
{
    public const int MaxOperands = 7;

    [InlineArray(Shape.MaxRank)]
    private struct LengthsOf
    {
        private int first;
    }

    [InlineArray(Shape.MaxRank * MaxOperands)]
    private struct StepsOf
    {
        private long first;
    }

    private LengthsOf lengths;
    private StepsOf steps;
    private int axes;
    private int operands;

    /// <summary>The number of axes that are left, the row's own included.</summary>
    public readonly int Axes => axes;

    /// <summary>The number of rows.</summary>
    public long Rows { get; private set; }

    /// <summary>Elements of a row.</summary>
    public long Length { get; private set; }

    /// <summary>Pieces that a row is cut into.</summary>
    public int Cuts { get; private set; }

    /// <summary>Elements of a piece, the last one apart.</summary>
    public long CutLength { get; private set; }

    /// <summary>Rows that one piece of work takes; 1 where rows are cut.</summary>
    public long RowsAtOnce { get; private set; }

    /// <summary>The number of pieces of work.</summary>
    public readonly int Items => checked((int)((Rows + RowsAtOnce - 1) / RowsAtOnce * Cuts));

    /// <param name="views">Views of one shape; those that do not exist are passed over. The first one orders the axes.</param>
    /// <param name="grain">About how many elements a piece of work has.</param>
    public static RowPlan Of(ReadOnlySpan<View> views, int grain)
    {
        var plan = default(RowPlan);
        var shape = views[0].Shape;
        plan.operands = views.Length;
        for (int a = 0; a < shape.Length; a++)
        {
            if (shape[a] != 1)
                plan.Insert(views, a, shape[a]);
        }
        plan.Merge();
        plan.Length = plan.axes == 0 ? 1 : plan.lengths[plan.axes - 1];
        plan.Rows = 1;
        for (int a = 0; a < plan.axes - 1; a++)
            plan.Rows *= plan.lengths[a];
        if (plan.Rows == 0)
            plan.Length = 0;
        plan.Cut(grain);
        return plan;
    }

    /// <summary>Elements between neighbours of a row in one view.</summary>
    public readonly long Step(int operand) => axes == 0 ? 0 : steps[((axes - 1) * MaxOperands) + operand];

    /// <summary>The offset of a row's first element from the view's first element.</summary>
    public readonly long Offset(int operand, long row)
    {
        long offset = 0;
        for (int a = axes - 2; a >= 0; a--)
        {
            (row, long i) = Math.DivRem(row, lengths[a]);
            offset += i * steps[(a * MaxOperands) + operand];
        }
        return offset;
    }

    /// <summary>The rows [first, last) and the elements [from, to) of each that a piece of work has.</summary>
    public readonly void Piece(int item, out long first, out long last, out long from, out long to)
    {
        (long group, long cut) = Math.DivRem(item, Cuts);
        first = group * RowsAtOnce;
        last = Math.Min(first + RowsAtOnce, Rows);
        from = cut * CutLength;
        to = Math.Min(from + CutLength, Length);
    }

    // Keeps the axes ordered, the greatest step of the first view outermost.
    private void Insert(ReadOnlySpan<View> views, int axis, int length)
    {
        int at = axes++;
        long key = Math.Abs(views[0].Stride(axis));
        for (; at > 0 && Math.Abs(steps[(at - 1) * MaxOperands]) < key; at--)
        {
            lengths[at] = lengths[at - 1];
            for (int v = 0; v < operands; v++)
                steps[(at * MaxOperands) + v] = steps[((at - 1) * MaxOperands) + v];
        }
        lengths[at] = length;
        for (int v = 0; v < operands; v++)
            steps[(at * MaxOperands) + v] = views[v].Exists ? views[v].Stride(axis) : 0;
    }

    private void Merge()
    {
        int kept = Math.Min(axes, 1);
        for (int a = 1; a < axes; a++)
        {
            bool even = true;
            for (int v = 0; v < operands; v++)
                even &= steps[((kept - 1) * MaxOperands) + v] == steps[(a * MaxOperands) + v] * lengths[a] && (long)lengths[kept - 1] * lengths[a] <= int.MaxValue;
            int to = even ? kept - 1 : kept++;
            lengths[to] = even ? lengths[to] * lengths[a] : lengths[a];
            for (int v = 0; v < operands; v++)
                steps[(to * MaxOperands) + v] = steps[(a * MaxOperands) + v];
        }
        axes = kept;
    }

    private void Cut(int grain)
    {
        (Cuts, CutLength, RowsAtOnce) = (1, Math.Max(Length, 1), 1);
        if (Length >= 2L * grain)
        {
            Cuts = checked((int)((Length + grain - 1) / grain));
            CutLength = grain;
        }
        else
        {
            RowsAtOnce = Math.Max(1, grain / Math.Max(Length, 1));
        }
    }
}
