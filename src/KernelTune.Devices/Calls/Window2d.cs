namespace KernelTune.Devices.Calls;

/// <summary>
/// A window that slides over planes [H, W]: the geometry of convolutions and pools. Tap (i, j) of position (oy, ox) lies at row oy·StrideHeight − Top + i·DilationHeight and column
/// ox·StrideWidth − Left + j·DilationWidth. What lies outside the plane is padding, so padding at the bottom and right, and ceil mode, are a matter of <see cref="Rows"/> and
/// <see cref="Columns"/> alone.
/// </summary>
/// <param name="KernelHeight">Rows of taps.</param>
/// <param name="KernelWidth">Columns of taps.</param>
/// <param name="StrideHeight">Rows from position to position.</param>
/// <param name="StrideWidth">Columns from position to position.</param>
/// <param name="DilationHeight">Rows from tap to tap.</param>
/// <param name="DilationWidth">Columns from tap to tap.</param>
/// <param name="Top">Rows of padding above the plane.</param>
/// <param name="Left">Columns of padding before the plane.</param>
/// <param name="Rows">Rows of positions.</param>
/// <param name="Columns">Columns of positions.</param>
public readonly record struct Window2d(
    int KernelHeight, int KernelWidth, int StrideHeight, int StrideWidth, int DilationHeight, int DilationWidth, int Top, int Left, int Rows, int Columns)
{
    /// <summary>Taps of a window.</summary>
    public int Taps => KernelHeight * KernelWidth;

    /// <summary>Positions in a plane.</summary>
    public int Positions => Rows * Columns;

    /// <summary>True where every position reads just the element of its own place: a 1×1 window of stride 1 without padding over a plane of that size.</summary>
    public bool IsIdentity(int height, int width) =>
        KernelHeight == 1 && KernelWidth == 1 && StrideHeight == 1 && StrideWidth == 1 && Top == 0 && Left == 0 && Rows == height && Columns == width;

    /// <summary>True where windows neither overlap nor are dilated: every element belongs to one of them at most.</summary>
    public bool IsDisjoint => DilationHeight == 1 && DilationWidth == 1 && StrideHeight >= KernelHeight && StrideWidth >= KernelWidth;

    /// <summary>True where every position's window has a tap in the plane; one that is dilated by more than the plane may step over it.</summary>
    public bool MeetsPlane(int height, int width) => Meets(height, Rows, KernelHeight, StrideHeight, DilationHeight, Top) && Meets(width, Columns, KernelWidth, StrideWidth, DilationWidth, Left);

    private static bool Meets(int length, int positions, int kernel, int stride, int dilation, int padding)
    {
        for (int position = 0; position < positions; position++)
        {
            // The first tap that is not before the plane.
            int start = (position * stride) - padding, before = start >= 0 ? 0 : (-start + dilation - 1) / dilation;
            if (before >= kernel || start + (before * dilation) >= length)
                return false;
        }
        return true;
    }

    /// <summary>The first element row of a position's window, which may lie in the padding.</summary>
    public int FirstRow(int position) => (position * StrideHeight) - Top;

    /// <summary>The first element column of a position's window, which may lie in the padding.</summary>
    public int FirstColumn(int position) => (position * StrideWidth) - Left;
}
