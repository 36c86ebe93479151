using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace KernelTune.Kernels.Cpu;

/// <summary>The largest tap of every window of one plane, and its reverse. Sizes as in <see cref="Conv2dShape"/>, whose kernel is the window.</summary>
public static unsafe class MaxPool2d
{
    // Floats of the rows under a row of windows that are laid out on the stack.
    private const int MostFloats = 1 << 14;

    /// <summary>y = the largest tap; index: its place in the plane, the first of equals; NaN is the largest. Every window has a tap in the plane.</summary>
    [SkipLocalsInit]
    public static void Forward(in Conv2dShape s, float* x, float* y, int* index)
    {
        // A row is sorted by its columns' remainders, so that neighbouring windows read neighbours; eight more are read than there are.
        int phase = s.Columns + ((s.KernelWidth - 1) * s.DilationWidth / s.StrideWidth) + 8, line = phase * s.StrideWidth;
        if ((long)line * s.KernelHeight > MostFloats)
        {
            OneByOne(s, x, y, index);
            return;
        }
        float* lines = stackalloc float[line * s.KernelHeight];
        float* best = stackalloc float[8];
        int* place = stackalloc int[8];
        for (int oy = 0; oy < s.Rows; oy++)
        {
            int top = (oy * s.StrideHeight) - s.Top, first = First(top, s.DilationHeight), last = Last(top, s.DilationHeight, s.KernelHeight, s.Height);
            for (int i = first; i < last; i++)
            {
                float* row = x + ((nint)(top + (i * s.DilationHeight)) * s.Width);
                for (int p = 0; p < s.StrideWidth; p++)
                    WindowRows.Read(row, 1, s.Width, p - s.Left, s.StrideWidth, lines + (i * line) + (p * phase), 1, phase, float.NegativeInfinity);
            }
            for (int ox = 0; ox < s.Columns; ox += 8, y += 8, index += 8)
            {
                int count = Math.Min(8, s.Columns - ox);
                Eight(s, lines, line, phase, top, first, last, ox, out var values, out var places);
                if (count == 8)
                {
                    values.Store(y);
                    places.Store(index);
                    continue;
                }
                values.Store(best);
                places.Store(place);
                for (int j = 0; j < count; j++)
                    (y[j], index[j]) = (best[j], place[j]);
            }
            y -= (8 - (s.Columns & 7)) & 7;
            index -= (8 - (s.Columns & 7)) & 7;
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

    // Windows ox to ox + 7. A window that holds nothing but −∞ has its first tap within the plane.
    private static void Eight(in Conv2dShape s, float* lines, int line, int phase, int top, int first, int last, int ox, out Vector256<float> values, out Vector256<int> places)
    {
        var lane = Vector256.Create(0, 1, 2, 3, 4, 5, 6, 7);
        var left = (lane + Vector256.Create(ox)) * s.StrideWidth - Vector256.Create(s.Left);
        var inside = left;
        for (int j = 0; j < s.KernelWidth && Vector256.LessThanAny(inside, Vector256<int>.Zero); j++)
            inside = Vector256.ConditionalSelect(Vector256.LessThan(inside, Vector256<int>.Zero), inside + Vector256.Create(s.DilationWidth), inside);
        values = Vector256.Create(float.NegativeInfinity);
        places = inside + Vector256.Create((top + (first * s.DilationHeight)) * s.Width);
        for (int i = first; i < last; i++)
        {
            var at = left + Vector256.Create((top + (i * s.DilationHeight)) * s.Width);
            for (int j = 0; j < s.KernelWidth; j++)
            {
                int column = j * s.DilationWidth;
                var value = Vector256.Load(lines + (i * line) + (column % s.StrideWidth * phase) + (column / s.StrideWidth) + ox);
                var greater = Vector256.GreaterThan(value, values) | (~Vector256.Equals(value, value) & Vector256.Equals(values, values));
                values = Vector256.ConditionalSelect(greater, value, values);
                places = Vector256.ConditionalSelect(greater.AsInt32(), at + Vector256.Create(column), places);
            }
        }
    }

    private static void OneByOne(in Conv2dShape s, float* x, float* y, int* index)
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

    // The taps of an axis that lie in the plane.
    private static int First(int start, int dilation) => start >= 0 ? 0 : (-start + dilation - 1) / dilation;

    private static int Last(int start, int dilation, int kernel, int length) => start >= length ? 0 : Math.Min(kernel, ((length - 1 - start) / dilation) + 1);
}
