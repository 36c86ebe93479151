using KernelTune.Devices.Memory;
using KernelTune.Kernels.Elementwise;

namespace KernelTune.Devices.Calls;

/// <summary>
/// y = the mean of each cell of a plane that is cut into Oh·Ow cells: cell i of m covers the elements ⌊i·n/m⌋ to ⌈(i+1)·n/m⌉ of an axis of length n, so cells may overlap.
/// X: [B, C, H, W], Y: [B, C, Oh, Ow], dense.
/// </summary>
public readonly record struct AdaptiveAveragePool2dCall(View X, View Y) : ICall
{
    public static string Name => "adaptive_average_pool2d";

    public long Flops => X.Elements;

    public long Bytes => X.Bytes + Y.Bytes;

    public void Compose(Device device)
    {
        using var work = new Workspace(device, Name);
        foreach (var cell in Cells.Of(X.Shape, Y.Shape))
        {
            var y = Y.Slice(2, cell.Row, 1).Slice(3, cell.Column, 1);
            var part = cell.Of(X);
            if (part.IsDense)
            {
                // The whole plane is one row.
                device.Run(new ReduceCall(part.Reshape(new Shape(X.Shape[0], X.Shape[1], 1, cell.Elements)), y, 3, Reduction.Sum));
            }
            else
            {
                var rows = work.Take(part.Shape.With(3, 1), X.Type);
                device.Run(new ReduceCall(part, rows, 3, Reduction.Sum));
                device.Run(new ReduceCall(rows, y, 2, Reduction.Sum));
            }
            device.Run(MapCall.Unary<Scale, ScaleParams>(y, y, new ScaleParams(1.0 / cell.Elements)));
        }
    }
}

/// <summary>dX of <see cref="AdaptiveAveragePool2dCall"/>, or dX += that: each dy in equal shares to its cell. DY: [B, C, Oh, Ow], DX: [B, C, H, W], dense.</summary>
public readonly record struct AdaptiveAveragePool2dGradCall(View DY, View DX, bool Accumulate = false) : ICall
{
    public static string Name => "adaptive_average_pool2d_grad";

    public long Flops => DX.Elements;

    public long Bytes => DY.Bytes + DX.Bytes;

    public void Compose(Device device)
    {
        using var work = new Workspace(device, Name);
        if (!Accumulate)
            device.Run(new FillCall(DX, 0));
        var share = work.Take(new Shape(DY.Shape[0], DY.Shape[1], 1, 1), DY.Type);
        foreach (var cell in Cells.Of(DX.Shape, DY.Shape))
        {
            device.Run(MapCall.Unary<Scale, ScaleParams>(share, DY.Slice(2, cell.Row, 1).Slice(3, cell.Column, 1), new ScaleParams(1.0 / cell.Elements)));
            var part = cell.Of(DX);
            device.Run(MapCall.Binary<Add, None>(part, part, share.Broadcast(part.Shape)));
        }
    }
}

/// <summary>
/// y = the largest element of each cell, cut as <see cref="AdaptiveAveragePool2dCall"/>'s; Index: its place h·W + w in the plane, the first of equals. X: [B, C, H, W], Y: [B, C, Oh, Ow],
/// Index: I32 like Y, dense. Planes have at most 2²⁴ elements.
/// </summary>
public readonly record struct AdaptiveMaxPool2dCall(View X, View Y, View Index) : ICall
{
    public static string Name => "adaptive_max_pool2d";

    public long Flops => X.Elements;

    public long Bytes => X.Bytes + Y.Bytes + Index.Bytes;

    public void Compose(Device device)
    {
        WholeNumbers.Check(Name, X.Shape[2] * (long)X.Shape[3], X.Type);
        using var work = new Workspace(device, Name);
        var plane = work.Take(new Shape(X.Shape[2] * X.Shape[3]), X.Type);
        var places = plane.Reshape(new Shape(1, 1, X.Shape[2], X.Shape[3]));
        device.Run(new RampCall(plane, 0, 1));
        foreach (var cell in Cells.Of(X.Shape, Y.Shape))
        {
            var (y, part) = (Y.Slice(2, cell.Row, 1).Slice(3, cell.Column, 1), cell.Of(X));
            var (rows, place, here) = (work.Take(part.Shape.With(3, 1), X.Type), work.Take(y.Shape, X.Type), work.Like(part));
            device.Run(new ReduceCall(part, rows, 3, Reduction.Max));
            device.Run(new ReduceCall(rows, y, 2, Reduction.Max));
            device.Run(new MapCall<PositionOf, None>(here, default, default, part, y.Broadcast(part.Shape), cell.Of(places).Broadcast(part.Shape), default, default));
            device.Run(new ReduceCall(here, rows, 3, Reduction.Min));
            device.Run(new ReduceCall(rows, place, 2, Reduction.Min));
            device.Run(new CopyCall(place, Index.Slice(2, cell.Row, 1).Slice(3, cell.Column, 1)));
        }
    }
}

/// <summary>dX of <see cref="AdaptiveMaxPool2dCall"/>, or dX += that: each dy goes to the element that its cell took. DY: [B, C, Oh, Ow], Index: I32 like DY, DX: [B, C, H, W], dense.</summary>
public readonly record struct AdaptiveMaxPool2dGradCall(View DY, View Index, View DX, bool Accumulate = false) : ICall
{
    public static string Name => "adaptive_max_pool2d_grad";

    public long Flops => DY.Elements;

    public long Bytes => DY.Bytes + Index.Bytes + DX.Bytes;

    public void Compose(Device device)
    {
        WholeNumbers.Check(Name, DX.Shape[2] * (long)DX.Shape[3], DX.Type);
        using var work = new Workspace(device, Name);
        var (plane, chosen) = (work.Take(new Shape(DX.Shape[2] * DX.Shape[3]), DX.Type), work.Like(DY));
        var places = plane.Reshape(new Shape(1, 1, DX.Shape[2], DX.Shape[3]));
        device.Run(new RampCall(plane, 0, 1));
        device.Run(new CopyCall(Index, chosen));
        if (!Accumulate)
            device.Run(new FillCall(DX, 0));
        foreach (var cell in Cells.Of(DX.Shape, DY.Shape))
        {
            var part = cell.Of(DX);
            var here = work.Like(part);
            var (dy, place) = (DY.Slice(2, cell.Row, 1).Slice(3, cell.Column, 1), chosen.Slice(2, cell.Row, 1).Slice(3, cell.Column, 1));
            device.Run(new MapCall<WhereSame, None>(here, default, default, cell.Of(places).Broadcast(part.Shape), place.Broadcast(part.Shape), dy.Broadcast(part.Shape), default, default));
            device.Run(MapCall.Binary<Add, None>(part, part, here));
        }
    }
}

/// <summary>One cell of an adaptive pool, and the elements that it covers.</summary>
internal readonly record struct Cells(int Row, int Column, int Top, int Height, int Left, int Width)
{
    public int Elements => Height * Width;

    /// <summary>The cell's part of planes [B, C, H, W].</summary>
    public View Of(in View planes) => planes.Slice(2, Top, Height).Slice(3, Left, Width);

    /// <summary>The cells of planes that are pooled to another size, row by row.</summary>
    public static IEnumerable<Cells> Of(Shape planes, Shape pooled)
    {
        for (int row = 0; row < pooled[2]; row++)
        {
            for (int column = 0; column < pooled[3]; column++)
            {
                var (top, left) = (First(row, planes[2], pooled[2]), First(column, planes[3], pooled[3]));
                yield return new Cells(row, column, top, Last(row, planes[2], pooled[2]) - top, left, Last(column, planes[3], pooled[3]) - left);
            }
        }
    }

    private static int First(int i, int n, int m) => (int)((long)i * n / m);

    private static int Last(int i, int n, int m) => (int)((((long)(i + 1) * n) + m - 1) / m);
}
