namespace KernelTune.Kernels.Cpu;

/// <summary>
/// A convolution without the rows and columns of its kernel that only ever meet padding: over planes of 1×1 a padded 3×3 is a 1×1. The taps that are left are copied together, and a gradient
/// of them is put back among zeros.
/// </summary>
internal readonly unsafe struct Conv2dTrim
{
    private readonly Conv2dShape whole;
    private readonly int firstRow, firstColumn;

    public Conv2dTrim(in Conv2dShape s)
    {
        whole = s;
        Used(s.KernelHeight, s.DilationHeight, s.StrideHeight, s.Top, s.Height, s.Rows, out firstRow, out int rows);
        Used(s.KernelWidth, s.DilationWidth, s.StrideWidth, s.Left, s.Width, s.Columns, out firstColumn, out int columns);
        Shape = s with { KernelHeight = rows, KernelWidth = columns, Top = s.Top - (firstRow * s.DilationHeight), Left = s.Left - (firstColumn * s.DilationWidth) };
        IsWhole = rows == s.KernelHeight && columns == s.KernelWidth;
    }

    /// <summary>The convolution that is left.</summary>
    public Conv2dShape Shape { get; }

    /// <summary>True where nothing is cut off.</summary>
    public bool IsWhole { get; }

    /// <summary>Bytes of the kernels that are left.</summary>
    public long Bytes => IsWhole ? 0 : (long)MatMulBlocking.Lines((long)Shape.Outputs * Shape.Depth);

    /// <summary>The kernels that are left of <paramref name="weight"/>: those, or a copy in <see cref="Bytes"/> of workspace.</summary>
    public float* Cut(float* weight, ref byte* workspace)
    {
        if (IsWhole)
            return weight;
        float* left = Conv2d.Carve(ref workspace, Bytes), to = left;
        for (nint kernel = 0; kernel < (nint)whole.Outputs * whole.GroupChannels; kernel++)
        {
            float* from = weight + (kernel * whole.Taps);
            for (int i = firstRow; i < firstRow + Shape.KernelHeight; i++)
            {
                for (int j = firstColumn; j < firstColumn + Shape.KernelWidth; j++)
                    *to++ = from[(i * whole.KernelWidth) + j];
            }
        }
        return left;
    }

    /// <summary>weight = (weight +) the kernels <paramref name="from"/>, zeros around them.</summary>
    public void PutBack(float* from, float* weight, bool accumulate)
    {
        for (nint kernel = 0; kernel < (nint)whole.Outputs * whole.GroupChannels; kernel++)
        {
            float* to = weight + (kernel * whole.Taps);
            if (!accumulate)
                new Span<float>(to, whole.Taps).Clear();
            for (int i = firstRow; i < firstRow + Shape.KernelHeight; i++)
            {
                for (int j = firstColumn; j < firstColumn + Shape.KernelWidth; j++)
                    to[(i * whole.KernelWidth) + j] += *from++;
            }
        }
    }

    // The least run of taps of an axis that holds all which ever meet an element; at least one tap.
    private static void Used(int kernel, int dilation, int stride, int padding, int length, int positions, out int first, out int count)
    {
        int last = -1;
        first = -1;
        for (int tap = 0; tap < kernel; tap++)
        {
            // The first position whose tap is not before the plane.
            int before = padding - (tap * dilation), position = before <= 0 ? 0 : (before + stride - 1) / stride;
            if (position >= positions || (position * stride) - before >= length)
                continue;
            (first, last) = (first < 0 ? tap : first, tap);
        }
        (first, count) = first < 0 ? (0, 1) : (first, last - first + 1);
    }
}
