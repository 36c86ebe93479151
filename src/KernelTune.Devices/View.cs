using System.Runtime.CompilerServices;
using KernelTune.Devices.Memory;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Devices;

/// <summary>
/// A tensor as a device sees it: (block, offset, shape, strides). A value that borrows its block: it holds no reference.
/// Strides and the offset count elements; an axis that is broadcast has stride 0. Views cost nothing.
/// </summary>
public readonly struct View
{
    [InlineArray(Shape.MaxRank)]
    private struct Steps
    {
        private long first;
    }

    private readonly Steps strides;

    private View(Block block, DType type, long offset, Shape shape, ReadOnlySpan<long> strides)
    {
        Block = block;
        Type = type;
        Offset = offset;
        Shape = shape;
        for (int i = 0; i < shape.Length; i++)
            this.strides[i] = strides[i];
    }

    /// <summary>The whole of a block as a dense tensor.</summary>
    public View(Block block, DType type, Shape shape, long offset = 0)
    {
        Block = block;
        Type = type;
        Offset = offset;
        Shape = shape;
        long step = 1;
        for (int i = shape.Length - 1; i >= 0; i--)
        {
            strides[i] = step;
            step *= shape[i];
        }
    }

    public Block Block { get; }

    public DType Type { get; }

    /// <summary>Elements from the start of the block to the first element.</summary>
    public long Offset { get; }

    public Shape Shape { get; }

    /// <summary>False for <c>default</c>: an optional operand that is absent.</summary>
    public bool Exists => Block is not null;

    public Device Device => Block.Device;

    public int Rank => Shape.Length;

    public long Elements => Shape.Elements;

    /// <summary>Bytes of the elements, each counted once (a broadcast axis counts its length).</summary>
    public long Bytes => Elements * Type.Size();

    /// <summary>The address of the first element: a pointer on the CPU.</summary>
    public nint Address => Block.Address + (nint)(Offset * Type.Size());

    /// <summary>Elements between neighbours along an axis, which may count from the end.</summary>
    public long Stride(int axis) => strides[Shape.Axis(axis)];

    /// <summary>True where the elements lie one after another in row-major order, without gaps.</summary>
    public bool IsDense
    {
        get
        {
            long step = 1;
            bool dense = true;
            for (int i = Rank - 1; i >= 0; i--)
            {
                if (Shape[i] == 0)
                    return true;
                dense &= Shape[i] == 1 || strides[i] == step;
                step *= Shape[i];
            }
            return dense;
        }
    }

    /// <summary>True where the last axis is contiguous.</summary>
    public bool IsRowDense => Rank == 0 || Shape[^1] <= 1 || strides[Rank - 1] == 1;

    /// <summary>
    /// True where all axes but the last collapse into one of a constant stride: then the tensor is a matrix [rows, last] with that leading dimension.
    /// </summary>
    public bool TryMatrix(out long rows, out long leading)
    {
        rows = 1;
        leading = Rank == 0 ? 1 : Shape[^1];
        bool first = true;
        for (int i = Rank - 2; i >= 0; i--)
        {
            if (Shape[i] == 1)
                continue;
            if (first)
                (leading, first) = (strides[i], false);
            else if (strides[i] != leading * rows)
                return false;
            rows *= Shape[i];
        }
        for (int i = 0; i < Rank - 1; i++)
        {
            if (Shape[i] == 0)
                rows = 0;
        }
        return true;
    }

    /// <summary>The same elements with two axes exchanged.</summary>
    public View Transpose(int a, int b)
    {
        Span<int> order = stackalloc int[Rank];
        for (int i = 0; i < Rank; i++)
            order[i] = i;
        (order[Shape.Axis(a)], order[Shape.Axis(b)]) = (Shape.Axis(b), Shape.Axis(a));
        return Permute(order);
    }

    /// <summary>Axis i of the result is axis <paramref name="order"/>[i] of this.</summary>
    public View Permute(params ReadOnlySpan<int> order)
    {
        if (order.Length != Rank)
            throw new ShapeException("permute", $"{order.Length} axes named for {Shape}");
        Span<int> lengths = stackalloc int[Shape.MaxRank];
        Span<long> steps = stackalloc long[Shape.MaxRank];
        int seen = 0;
        for (int i = 0; i < order.Length; i++)
        {
            int a = Shape.Axis(order[i]);
            seen |= 1 << a;
            lengths[i] = Shape[a];
            steps[i] = strides[a];
        }
        if (seen != (1 << Rank) - 1)
            throw new ShapeException("permute", $"an axis of {Shape} is named twice");
        return new View(Block, Type, Offset, new Shape(lengths[..Rank]), steps);
    }

    /// <summary>Elements [<paramref name="start"/>, start + length) along one axis.</summary>
    public View Slice(int axis, int start, int length)
    {
        int a = Shape.Axis(axis);
        if (start < 0 || length < 0 || start + length > Shape[a])
            throw new ShapeException("slice", $"[{start}, {start + length}) of axis {a} of {Shape}");
        return new View(Block, Type, Offset + (start * strides[a]), Shape.With(a, length), strides);
    }

    /// <summary>One position of an axis, without that axis.</summary>
    public View Select(int axis, int index)
    {
        int a = Shape.Axis(axis);
        var cut = Slice(a, index, 1);
        Span<long> steps = stackalloc long[Shape.MaxRank];
        int n = 0;
        for (int i = 0; i < Rank; i++)
        {
            if (i != a)
                steps[n++] = strides[i];
        }
        return new View(Block, Type, cut.Offset, Shape.Without(a), steps);
    }

    /// <summary>A new axis of length 1 before position <paramref name="axis"/>.</summary>
    public View Unsqueeze(int axis)
    {
        int a = axis < 0 ? axis + Rank + 1 : axis;
        Span<int> lengths = stackalloc int[Rank + 1];
        Span<long> steps = stackalloc long[Shape.MaxRank];
        for (int i = 0, from = 0; i <= Rank; i++)
        {
            lengths[i] = i == a ? 1 : Shape[from];
            steps[i] = i == a ? 0 : strides[from++];
        }
        return new View(Block, Type, Offset, new Shape(lengths), steps);
    }

    /// <summary>The elements repeated over axes of length 1 and over new leading axes: stride 0, no copy.</summary>
    public View Broadcast(Shape shape)
    {
        int lead = shape.Length - Rank;
        if (lead < 0)
            throw new ShapeException("broadcast", $"{Shape} to {shape}");
        Span<long> steps = stackalloc long[Shape.MaxRank];
        for (int i = 0; i < shape.Length; i++)
        {
            if (i < lead)
                steps[i] = 0;
            else if (Shape[i - lead] == shape[i])
                steps[i] = strides[i - lead];
            else if (Shape[i - lead] == 1)
                steps[i] = 0;
            else
                throw new ShapeException("broadcast", $"{Shape} to {shape}");
        }
        return new View(Block, Type, Offset, shape, steps);
    }

    /// <summary>
    /// The same elements under another shape, if no copy is needed: each run of axes that merges or splits must be evenly spaced.
    /// </summary>
    public bool TryReshape(Shape shape, out View result)
    {
        result = default;
        if (shape.Elements != Elements)
            throw new ShapeException("reshape", $"{Shape} has {Elements} elements, {shape} has {shape.Elements}");
        if (Elements == 0 || IsDense)
        {
            result = new View(Block, Type, shape, Offset);
            return true;
        }
        Span<long> steps = stackalloc long[Shape.MaxRank];
        int from = 0, to = 0;
        while (from < Rank || to < shape.Length)
        {
            int fromEnd = from, toEnd = to;
            long n = fromEnd < Rank ? Shape[fromEnd++] : 1;
            long m = toEnd < shape.Length ? shape[toEnd++] : 1;
            while (n != m)
            {
                if (n < m)
                    n *= Shape[fromEnd++];
                else
                    m *= shape[toEnd++];
            }
            long step = 0;
            bool any = false;
            for (int i = fromEnd - 1; i >= from; i--)
            {
                if (Shape[i] == 1)
                    continue;
                if (!any)
                    (step, any) = (strides[i], true);
                else if (strides[i] != step * Run(i + 1, fromEnd))
                    return false;
            }
            for (int i = toEnd - 1; i >= to; i--)
            {
                steps[i] = step;
                step *= shape[i];
            }
            (from, to) = (fromEnd, toEnd);
        }
        result = new View(Block, Type, Offset, shape, steps);
        return true;
    }

    /// <summary>The same elements under another shape.</summary>
    /// <exception cref="ShapeException">The elements differ in number, or a copy would be needed.</exception>
    public View Reshape(Shape shape) =>
        TryReshape(shape, out var result) ? result : throw new ShapeException("reshape", $"{this} to {shape} needs a copy");

    // The number of elements of axes [first, last), axes of length 1 apart.
    private long Run(int first, int last)
    {
        long n = 1;
        for (int i = first; i < last; i++)
            n *= Shape[i];
        return n;
    }

    public override string ToString()
    {
        if (!Exists)
            return "none";
        if (IsDense)
            return $"{Type}{Shape}";
        var text = new List<string>();
        for (int i = 0; i < Rank; i++)
            text.Add(strides[i].ToString(System.Globalization.CultureInfo.InvariantCulture));
        return $"{Type}{Shape} strides ({string.Join(", ", text)})";
    }
}
