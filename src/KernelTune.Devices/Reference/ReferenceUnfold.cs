using KernelTune.Devices.Calls;
using KernelTune.Devices.Memory;

namespace KernelTune.Devices.Reference;

internal sealed class ReferenceUnfold : PlainKernel<UnfoldCall>
{
    protected override void Run(in UnfoldCall call)
    {
        var (x, y, w) = (call.X, call.Y, call.Window);
        UnfoldCall.Check(UnfoldCall.Name, x, y, w);
        for (int b = 0; b < x.Shape[0]; b++)
        {
            for (int c = 0; c < x.Shape[1]; c++)
            {
                for (int tap = 0; tap < w.Taps; tap++)
                {
                    long from = x.Offset + (b * x.Stride(0)) + (c * x.Stride(1)), to = y.Offset + (b * y.Stride(0)) + (c * y.Stride(1)) + (tap * y.Stride(2));
                    for (int position = 0; position < w.Positions; position++, to += y.Stride(3))
                        Elements.Store(y.Block.Address, y.Type, to, Tap(call, from, tap, position));
                }
            }
        }
    }

    private static double Tap(in UnfoldCall call, long plane, int tap, int position)
    {
        var (x, w) = (call.X, call.Window);
        int row = w.FirstRow(position / w.Columns) + (tap / w.KernelWidth * w.DilationHeight);
        int column = w.FirstColumn(position % w.Columns) + (tap % w.KernelWidth * w.DilationWidth);
        if ((uint)row >= (uint)x.Shape[2] || (uint)column >= (uint)x.Shape[3])
            return call.Padding;
        return Elements.Load(x.Block.Address, x.Type, plane + (row * x.Stride(2)) + (column * x.Stride(3)));
    }
}

internal sealed class ReferenceFold : PlainKernel<FoldCall>
{
    protected override void Run(in FoldCall call)
    {
        var (x, y, w) = (call.X, call.Y, call.Window);
        UnfoldCall.Check(FoldCall.Name, x, y, w);
        for (int b = 0; b < x.Shape[0]; b++)
        {
            for (int c = 0; c < x.Shape[1]; c++)
            {
                long plane = x.Offset + (b * x.Stride(0)) + (c * x.Stride(1)), windows = y.Offset + (b * y.Stride(0)) + (c * y.Stride(1));
                for (int row = 0; row < x.Shape[2]; row++)
                {
                    for (int column = 0; column < x.Shape[3]; column++)
                    {
                        long at = plane + (row * x.Stride(2)) + (column * x.Stride(3));
                        double sum = call.Accumulate ? Elements.Load(x.Block.Address, x.Type, at) : 0;
                        Elements.Store(x.Block.Address, x.Type, at, sum + Sum(y, w, windows, row, column));
                    }
                }
            }
        }
    }

    // The taps that lie at (row, column).
    private static double Sum(in View y, in Window2d w, long windows, int row, int column)
    {
        double sum = 0;
        for (int i = 0; i < w.KernelHeight; i++)
        {
            if (!Position(row + w.Top - (i * w.DilationHeight), w.StrideHeight, w.Rows, out int oy))
                continue;
            for (int j = 0; j < w.KernelWidth; j++)
            {
                if (Position(column + w.Left - (j * w.DilationWidth), w.StrideWidth, w.Columns, out int ox))
                    sum += Elements.Load(y.Block.Address, y.Type, windows + (((i * w.KernelWidth) + j) * y.Stride(2)) + (((oy * w.Columns) + ox) * y.Stride(3)));
            }
        }
        return sum;
    }

    private static bool Position(int distance, int stride, int positions, out int position)
    {
        position = distance / stride;
        return distance >= 0 && distance % stride == 0 && position < positions;
    }
}
