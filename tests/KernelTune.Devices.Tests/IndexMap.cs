namespace KernelTune.Devices.Tests;

/// <summary>A tensor as a list: the place of each element in row-major order. Slow and plain: what views are judged by.</summary>
/// <param name="Shape">Lengths of the axes.</param>
/// <param name="Places">Offsets into the block.</param>
internal sealed record IndexMap(int[] Shape, long[] Places)
{
    public static IndexMap Dense(int[] shape, long offset)
    {
        int n = shape.Aggregate(1, (product, length) => product * length);
        return new IndexMap(shape, [.. Enumerable.Range(0, n).Select(i => offset + i)]);
    }

    public IndexMap With(Shape shape) => new(shape.ToArray(), Places);

    public IndexMap Permute(int[] order) => From([.. order.Select(a => Shape[a])], index =>
    {
        var source = new int[index.Length];
        for (int i = 0; i < order.Length; i++)
            source[order[i]] = index[i];
        return source;
    });

    public IndexMap Slice(int axis, int start, int length)
    {
        int[] lengths = [.. Shape];
        lengths[axis] = length;
        return From(lengths, index =>
        {
            int[] source = [.. index];
            source[axis] += start;
            return source;
        });
    }

    public IndexMap Broadcast(int[] lengths) => From(lengths, index =>
    {
        int[] source = index[(lengths.Length - Shape.Length)..];
        for (int i = 0; i < source.Length; i++)
            source[i] = Shape[i] == 1 ? 0 : source[i];
        return source;
    });

    /// <summary>True where the view's offset and strides give these places.</summary>
    public bool Equals(in View view)
    {
        var v = view;
        return v.Shape.ToArray().SequenceEqual(Shape)
            && Indices(Shape).Select(index => v.Offset + index.Select((n, axis) => n * v.Stride(axis)).Sum()).SequenceEqual(Places);
    }

    /// <summary>True where some strides would give these places: then a reshape needs no copy.</summary>
    public bool IsEven()
    {
        if (Places.Length == 0)
            return true;
        var steps = new long[Shape.Length];
        for (int axis = 0; axis < Shape.Length; axis++)
        {
            var unit = new int[Shape.Length];
            unit[axis] = 1;
            steps[axis] = Shape[axis] > 1 ? At(unit) - Places[0] : 0;
        }
        return Indices(Shape).Select(index => Places[0] + index.Select((n, axis) => n * steps[axis]).Sum()).SequenceEqual(Places);
    }

    private IndexMap From(int[] lengths, Func<int[], int[]> source) => new(lengths, [.. Indices(lengths).Select(index => At(source(index)))]);

    private long At(int[] index)
    {
        int at = 0;
        for (int axis = 0; axis < Shape.Length; axis++)
            at = (at * Shape[axis]) + index[axis];
        return Places[at];
    }

    private static IEnumerable<int[]> Indices(int[] lengths)
    {
        int n = lengths.Aggregate(1, (product, length) => product * length);
        for (int i = 0; i < n; i++)
        {
            var index = new int[lengths.Length];
            for (int axis = lengths.Length - 1, rest = i; axis >= 0; axis--)
            {
                index[axis] = rest % lengths[axis];
                rest /= lengths[axis];
            }
            yield return index;
        }
    }
}
