namespace KernelTune.Kernels.Cpu;

/// <summary>The largest tap of every window of one plane, and its reverse. Sizes as in <see cref="Conv2dShape"/>, whose kernel is the window.</summary>
public static unsafe class MaxPool2d
{
    /// <summary>y = the largest tap; index: its place in the plane, the first of equals; NaN is the largest. Every window has a tap in the plane.</summary>
    public static void Forward(in Conv2dShape s, float* x, float* y, int* index)
    {
        for (int oy = 0; oy < s.Rows; oy++)
        {
            int top = (oy * s.StrideHeight) - s.Top;
            int firstRow = First(top, s.DilationHeight), lastRow = Last(top, s.DilationHeight, s.KernelHeight, s.Height);
            for (int ox = 0; ox < s.Columns; ox++)
            {
                int left = (ox * s.StrideWidth) - s.Left;
                int firstColumn = First(left, s.DilationWidth), lastColumn = Last(left, s.DilationWidth, s.KernelWidth, s.Width);
                float best = float.NegativeInfinity;
                int place = ((top + (firstRow * s.DilationHeight)) * s.Width) + left + (firstColumn * s.DilationWidth);
                for (int i = firstRow; i < lastRow; i++)
                {
                    int at = ((top + (i * s.DilationHeight)) * s.Width) + left + (firstColumn * s.DilationWidth);
                    for (int j = firstColumn; j < lastColumn; j++, at += s.DilationWidth)
                    {
                        float value = x[at];
                        if (value > best || (float.IsNaN(value) && !float.IsNaN(best)))
                            (best, place) = (value, at);
                    }
                }
                *y++ = best;
                *index++ = place;
            }
        }
    }

    /// <summary>dx[index] += dy, in the order of the windows; dx begins at 0 unless accumulate.</summary>
    public static void Gradient(in Conv2dShape s, float* dy, int* index, float* dx, bool accumulate)
    {
        if (!accumulate)
            new Span<float>(dx, s.Height * s.Width).Clear();
        for (int p = 0; p < s.Positions; p++)
            dx[index[p]] += dy[p];
    }

    // The taps of an axis that lie in the plane.
    private static int First(int start, int dilation) => start >= 0 ? 0 : (-start + dilation - 1) / dilation;

    private static int Last(int start, int dilation, int kernel, int length) => start >= length ? 0 : Math.Min(kernel, ((length - 1 - start) / dilation) + 1);
}
