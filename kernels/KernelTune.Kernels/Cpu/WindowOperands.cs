using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Kernels.Cpu;

/// <summary>Positions of windows in order: images, rows, columns. Position n of image b, row q, column r begins at b·Image + q·Row + r of the planes.</summary>
internal readonly record struct WindowPositions
{
    /// <summary>Rows that follow each other without a gap are one long row.</summary>
    public WindowPositions(int images, int rows, int columns, nint image, nint row)
    {
        bool one = row == columns;
        (Images, Rows, Columns, Image, Row) = (images, one ? 1 : rows, one ? rows * columns : columns, image, row);
    }

    public int Images { get; }

    public int Rows { get; }

    public int Columns { get; }

    public nint Image { get; }

    public nint Row { get; }

    public int Count => Images * Rows * Columns;

    /// <summary>The runs of neighbours in [first, first + count): where each begins in the planes and how long it is. At most count of them.</summary>
    public unsafe int Runs(int first, int count, nint* starts, int* lengths)
    {
        int runs = 0;
        (int line, int column) = Math.DivRem(first, Columns);
        (int image, int row) = Math.DivRem(line, Rows);
        while (count > 0)
        {
            int length = Math.Min(Columns - column, count);
            starts[runs] = (image * Image) + (row * Row) + column;
            lengths[runs++] = length;
            count -= length;
            column = 0;
            if (++row == Rows)
                (row, image) = (0, image + 1);
        }
        return runs;
    }
}

/// <summary>
/// The windows of planes as a right operand [depth, positions], unfolded while it is packed: element (k, n) is at position n's start + offsets[k]. Nothing is tested, and nothing is copied twice.
/// </summary>
/// <param name="planes">The first plane.</param>
/// <param name="offsets">A tap's distance from its window's start, one a k.</param>
/// <param name="positions">The windows.</param>
/// <param name="mayReadOn">True where eight floats behind the planes may be read.</param>
internal readonly unsafe struct WindowsRight(float* planes, int* offsets, WindowPositions positions, bool mayReadOn) : IRightOperand, IGroupOperand<WindowsRight>
{
    private const int Width = MatMulTile.Columns;

    public WindowsRight After(nint floats) => new(planes + floats, offsets, positions, mayReadOn);

    public static bool IsPacked => false;

    public float* Panel(int panel, int k0) => null;

    [SkipLocalsInit]
    public void Pack(InstructionSet set, int panel, int k0, int count, float* to)
    {
        nint* starts = stackalloc nint[Width];
        int* lengths = stackalloc int[Width];
        int first = panel * Width, columns = Math.Min(Width, positions.Count - first);
        int runs = positions.Runs(first, columns, starts, lengths);
        int* taps = offsets + k0;
        if (runs == 1 && columns == Width)
        {
            float* from = planes + starts[0];
            if (set == InstructionSet.Avx512)
            {
                for (int k = 0; k < count; k++, to += Width)
                {
                    float* tap = from + taps[k];
                    var high = Vector512.Load(tap + 16);
                    Vector512.Load(tap).Store(to);
                    high.Store(to + 16);
                }
                return;
            }
            for (int k = 0; k < count; k++, to += Width)
            {
                float* tap = from + taps[k];
                Vector256.Load(tap).Store(to);
                Vector256.Load(tap + 8).Store(to + 8);
                Vector256.Load(tap + 16).Store(to + 16);
                Vector256.Load(tap + 24).Store(to + 24);
            }
            return;
        }

        // Runs are copied eight at a time: what is too much is overwritten by the next run. Behind the last row lies another panel, which is not ours.
        for (int k = 0; k < count; k++, to += Width)
        {
            float* row = to;
            bool exact = k == count - 1 || !mayReadOn;
            for (int run = 0; run < runs; run++)
            {
                float* from = planes + starts[run] + taps[k];
                int length = lengths[run];
                if (exact)
                    Exactly(from, row, length);
                else
                    for (int i = 0; i < length; i += 8)
                        Vector256.Load(from + i).Store(row + i);
                row += length;
            }
            for (; row < to + Width; row++)
                *row = 0;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Exactly(float* from, float* to, int length)
    {
        int i = 0;
        for (; i + 8 <= length; i += 8)
            Vector256.Load(from + i).Store(to + i);
        for (; i < length; i++)
            to[i] = from[i];
    }
}

/// <summary>The windows of planes the other way round, [positions, depth]: element (n, k) is at position n's start + offsets[k]. Runs are laid out in cache and transposed there.</summary>
internal readonly unsafe struct WindowsAcrossRight(float* planes, int* offsets, int depth, WindowPositions positions) : IRightOperand, IGroupOperand<WindowsAcrossRight>
{
    private const int Width = MatMulTile.Columns, Block = 64;

    public WindowsAcrossRight After(nint floats) => new(planes + floats, offsets, depth, positions);

    public static bool IsPacked => false;

    public float* Panel(int panel, int k0) => null;

    [SkipLocalsInit]
    public void Pack(InstructionSet set, int panel, int k0, int count, float* to)
    {
        float* lines = stackalloc float[Width * (Block + 8)];
        nint* starts = stackalloc nint[Block];
        int* lengths = stackalloc int[Block];
        int columns = Math.Min(Width, depth - (panel * Width));
        int* taps = offsets + (panel * Width);
        for (int at = 0; at < count; at += Block, to += Block * Width)
        {
            int block = Math.Min(Block, count - at);
            int runs = positions.Runs(k0 + at, block, starts, lengths);
            for (int column = 0; column < columns; column++)
            {
                float* line = lines + (column * (Block + 8)), from = planes + taps[column];
                for (int run = 0; run < runs; run++)
                {
                    float* source = from + starts[run];
                    int length = lengths[run], i = 0;
                    for (; i + 8 <= length; i += 8)
                        Vector256.Load(source + i).Store(line + i);
                    for (; i < length; i++)
                        line[i] = source[i];
                    line += length;
                }
            }
            PackingTranspose.Run(set, lines, Block + 8, columns, block, to, Width);
            if (columns < Width)
            {
                for (int i = 0; i < block; i++)
                    new Span<float>(to + (i * Width) + columns, Width - columns).Clear();
            }
        }
    }
}

/// <summary>An operand that lies alike in every group of a convolution.</summary>
internal interface IGroupOperand<TSelf>
{
    /// <summary>The same operand so many floats further on.</summary>
    TSelf After(nint floats);
}

/// <summary>A left operand [M, K] that is packed as tiles of an instruction set's height (<see cref="PackingLeft"/>).</summary>
internal unsafe interface ILeftOperand
{
    /// <summary>Packs rows [row, row + rows) and k [k0, k0 + count).</summary>
    void Pack(InstructionSet set, int row, int rows, int k0, int count, float* to);
}

/// <summary>Element (m, k) at m·ld + k.</summary>
internal readonly unsafe struct RowsLeft(float* data, nint ld) : ILeftOperand, IGroupOperand<RowsLeft>
{
    public RowsLeft After(nint floats) => new(data + floats, ld);

    public void Pack(InstructionSet set, int row, int rows, int k0, int count, float* to) => PackingLeft.Run(set, transposed: false, data + (row * ld) + k0, ld, rows, count, to);
}

/// <summary>Planes of images as rows over all positions: element (m, k) at (k / plane)·image + m·plane + k mod plane.</summary>
internal readonly unsafe struct ImagesLeft(float* data, int plane, nint image) : ILeftOperand, IGroupOperand<ImagesLeft>
{
    public ImagesLeft After(nint floats) => new(data + floats, plane, image);

    public void Pack(InstructionSet set, int row, int rows, int k0, int count, float* to)
    {
        int height = MatMulTile.Rows(set), tiles = (rows + height - 1) / height;
        for (int done = 0; done < count;)
        {
            (int number, int at) = Math.DivRem(k0 + done, plane);
            int length = Math.Min(plane - at, count - done);
            float* from = data + (number * image) + (row * (nint)plane) + at;
            for (int t = 0; t < tiles; t++)
            {
                int first = PackingLeft.First(rows, t, tiles), tall = PackingLeft.First(rows, t + 1, tiles) - first;
                PackingTranspose.Run(set, from + (first * (nint)plane), plane, tall, length, to + ((((nint)t * count) + done) * height), height);
            }
            done += length;
        }
    }
}
