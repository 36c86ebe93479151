namespace KernelTune.Devices.Memory;

/// <summary>
/// Walks the rows (all axes but the last) of up to eight views of one shape together, giving the element offset of each row's start.
/// Views that are broadcast have stride 0.
/// </summary>
internal ref struct Odometer
{
    private readonly Shape shape;
    private readonly ReadOnlySpan<View> views;
    private readonly Span<long> offsets;
    private readonly Span<int> index;
    private bool started;

    /// <param name="shape">The common shape.</param>
    /// <param name="views">The views, each of that shape.</param>
    /// <param name="offsets">Receives a view's offset each, in elements from its block's start.</param>
    /// <param name="index">Scratch of at least <see cref="Shape.MaxRank"/> entries.</param>
    public Odometer(Shape shape, ReadOnlySpan<View> views, Span<long> offsets, Span<int> index)
    {
        this.shape = shape;
        this.views = views;
        this.offsets = offsets;
        this.index = index;
        index.Clear();
        for (int v = 0; v < views.Length; v++)
            offsets[v] = views[v].Exists ? views[v].Offset : 0;
    }

    /// <summary>The length of a row.</summary>
    public readonly int RowLength => shape.Length == 0 ? 1 : shape[^1];

    /// <summary>The step between neighbours in a row of one view.</summary>
    public readonly long Step(int view) => shape.Length == 0 || !views[view].Exists ? 0 : views[view].Stride(-1);

    /// <summary>Moves to the next row; false after the last.</summary>
    public bool Next()
    {
        if (!started)
        {
            started = true;
            return shape.Elements > 0;
        }
        for (int axis = shape.Length - 2; axis >= 0; axis--)
        {
            index[axis]++;
            bool wraps = index[axis] == shape[axis];
            for (int v = 0; v < views.Length; v++)
            {
                if (views[v].Exists)
                    offsets[v] += wraps ? -views[v].Stride(axis) * (shape[axis] - 1) : views[v].Stride(axis);
            }
            if (!wraps)
                return true;
            index[axis] = 0;
        }
        return false;
    }
}
