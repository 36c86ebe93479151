using System.Runtime.CompilerServices;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Kernels.Cpu;

/// <summary>
/// A right operand B [K, N] as panels of 32 columns: slice (panel, k0, count) holds element (k, n) at (k − k0)·32 + n mod 32, columns
/// beyond N as zeros. A storage format (a quantised weight) is a right operand that decodes while it packs.
/// </summary>
public unsafe interface IRightOperand
{
    /// <summary>True when <see cref="Panel"/> may be read as it stands and nothing is packed.</summary>
    static abstract bool IsPacked { get; }

    /// <summary>Where slice (panel, k0) lies in an operand that is packed already.</summary>
    float* Panel(int panel, int k0);

    /// <summary>Writes slice (panel, k0, count).</summary>
    void Pack(InstructionSet set, int panel, int k0, int count, float* to);
}

/// <summary>B stored by rows: element (k, n) at k·ld + n.</summary>
internal readonly unsafe struct RowsRight(float* data, nint ld, int n) : IRightOperand
{
    public static bool IsPacked => false;

    public float* Panel(int panel, int k0) => data + k0 * ld + panel * MatMulTile.Columns;

    public void Pack(InstructionSet set, int panel, int k0, int count, float* to)
    {
        var from = Panel(panel, k0);
        var columns = Math.Min(MatMulTile.Columns, n - panel * MatMulTile.Columns);
        for (var k = 0; k < count; k++, from += ld, to += MatMulTile.Columns)
            if (columns == MatMulTile.Columns)
                Unsafe.CopyBlockUnaligned(to, from, MatMulTile.Columns * sizeof(float));
            else
                PackingRight.CopyPadded(from, columns, to);
    }
}

/// <summary>B stored by columns: element (k, n) at n·ld + k.</summary>
internal readonly unsafe struct TransposedRight(float* data, nint ld, int n) : IRightOperand
{
    public static bool IsPacked => false;

    public float* Panel(int panel, int k0) => null;

    public void Pack(InstructionSet set, int panel, int k0, int count, float* to)
    {
        var columns = Math.Min(MatMulTile.Columns, n - panel * MatMulTile.Columns);
        PackingTranspose.Run(set, data + panel * MatMulTile.Columns * ld + k0, ld, columns, count, to, MatMulTile.Columns);
        if (columns < MatMulTile.Columns)
            for (var k = 0; k < count; k++)
                new Span<float>(to + k * MatMulTile.Columns + columns, MatMulTile.Columns - columns).Clear();
    }
}

/// <summary>Wᵀ of a packed weight W [N, K].</summary>
internal readonly unsafe struct PackedRight(float* data, int k) : IRightOperand
{
    public static bool IsPacked => true;

    public float* Panel(int panel, int k0) => data + ((nint)panel * k + k0) * MatMulTile.Columns;

    public void Pack(InstructionSet set, int panel, int k0, int count, float* to) =>
        Unsafe.CopyBlockUnaligned(to, Panel(panel, k0), (uint)(count * MatMulTile.Columns * sizeof(float)));
}

/// <summary>A packed weight W [K, N] itself: its panels hold 32 of our k each, and are transposed in cache, 32 × 32 at a time.</summary>
internal readonly unsafe struct PackedRowsRight(float* data, int n) : IRightOperand
{
    public static bool IsPacked => false;

    public float* Panel(int panel, int k0) => null;

    public void Pack(InstructionSet set, int panel, int k0, int count, float* to)
    {
        const int Width = MatMulTile.Columns;
        var first = panel * Width;
        var columns = Math.Min(Width, n - first);
        for (var k = k0; k < k0 + count;)
        {
            var lane = k % Width;
            var height = Math.Min(Width - lane, k0 + count - k);
            PackingTranspose.Run(set, data + ((nint)(k / Width) * n + first) * Width + lane, Width, columns, height, to, Width);
            // Source rows are our columns, so `to` got element (column, k) at k·32 + column.
            if (columns < Width)
                for (var i = 0; i < height; i++)
                    new Span<float>(to + i * Width + columns, Width - columns).Clear();
            to += height * Width;
            k += height;
        }
    }
}

internal static unsafe class PackingRight
{
    /// <summary>One row of a panel whose columns beyond <paramref name="columns"/> are zeros.</summary>
    public static void CopyPadded(float* from, int columns, float* to)
    {
        for (var j = 0; j < columns; j++)
            to[j] = from[j];
        for (var j = columns; j < MatMulTile.Columns; j++)
            to[j] = 0;
    }
}
