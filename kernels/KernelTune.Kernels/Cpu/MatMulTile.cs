using System.Diagnostics;
using System.Runtime.CompilerServices;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Kernels.Cpu;

/// <summary>
/// The one inner kernel of every product: a tile of C, 32 columns wide, from k-major slices of both operands. Each element is one
/// chain of fused multiply-adds over k in order, so its bits depend neither on the instruction set nor on the tile's shape.
/// </summary>
internal static unsafe class MatMulTile
{
    /// <summary>Columns of a tile, and rows of a frozen weight's panel.</summary>
    public const int Columns = 32;

    /// <summary>Floats that <see cref="RunPartial"/> wants as scratch.</summary>
    public const int ScratchFloats = MatMulTile512.Rows * Columns;

    /// <summary>The tallest tile of an instruction set, and the step of packed left operands.</summary>
    public static int Rows(InstructionSet set) => set switch
    {
        InstructionSet.Avx512 => MatMulTile512.Rows,
        InstructionSet.Avx2 => MatMulTile256.Rows,
        _ => MatMulTile128.Rows,
    };

    /// <summary>c[r, j] = (c[r, j] +) Σₚ a[p·aStep + r] · b[p·bStep + j] for r below rows and j below 32.</summary>
    public static void Run(InstructionSet set, int rows, int k, float* a, nint aStep, float* b, nint bStep, float* c, nint ldc, bool add)
    {
        Debug.Assert(rows >= 1 && rows <= Rows(set), "a tile has as many rows as its registers hold");
        switch (set)
        {
            case InstructionSet.Avx512:
                Run512(rows, k, a, aStep, b, bStep, c, ldc, add);
                break;
            case InstructionSet.Avx2:
                Run256(rows, k, a, aStep, b, bStep, c, ldc, add);
                Run256(rows, k, a, aStep, b + 16, bStep, c + 16, ldc, add);
                break;
            default:
                for (var j = 0; j < Columns; j += 8)
                    Run128(rows, k, a, aStep, b + j, bStep, c + j, ldc, add);
                break;
        }
    }

    /// <summary>As <see cref="Run"/>, writing only the first <paramref name="columns"/> columns. b is readable for all 32.</summary>
    public static void RunPartial(
        InstructionSet set, int rows, int columns, int k, float* a, nint aStep, float* b, nint bStep, float* c, nint ldc, bool add)
    {
        if (columns == Columns)
            Run(set, rows, k, a, aStep, b, bStep, c, ldc, add);
        else
            RunScratch(set, rows, columns, k, a, aStep, b, bStep, c, ldc, add);
    }

    // Apart from RunPartial, whose whole tiles need not pay for a stack frame with room for one.
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void RunScratch(
        InstructionSet set, int rows, int columns, int k, float* a, nint aStep, float* b, nint bStep, float* c, nint ldc, bool add)
    {
        var scratch = stackalloc float[ScratchFloats];
        Run(set, rows, k, a, aStep, b, bStep, scratch, Columns, add: false);
        for (var r = 0; r < rows; r++)
        {
            float* from = scratch + r * Columns, to = c + r * ldc;
            if (add)
                for (var j = 0; j < columns; j++)
                    to[j] += from[j];
            else
                for (var j = 0; j < columns; j++)
                    to[j] = from[j];
        }
    }

    /// <summary>Any number of rows: tiles one below the other. a[p·aStep + r] for all rows.</summary>
    public static void RunRows(
        InstructionSet set, int rows, int columns, int k, float* a, nint aStep, float* b, nint bStep, float* c, nint ldc, bool add)
    {
        var height = Rows(set);
        var tiles = (rows + height - 1) / height;
        for (var t = 0; t < tiles; t++)
        {
            var first = PackingLeft.First(rows, t, tiles);
            var count = PackingLeft.First(rows, t + 1, tiles) - first;
            RunPartial(set, count, columns, k, a + first, aStep, b, bStep, c + first * ldc, ldc, add);
        }
    }

    private static void Run512(int rows, nint k, float* a, nint aStep, float* b, nint bStep, float* c, nint ldc, bool add)
    {
        switch (rows)
        {
            case 1: MatMulTile512.Run<TileRows1>(k, a, aStep, b, bStep, c, ldc, add); break;
            case 2: MatMulTile512.Run<TileRows2>(k, a, aStep, b, bStep, c, ldc, add); break;
            case 3: MatMulTile512.Run<TileRows3>(k, a, aStep, b, bStep, c, ldc, add); break;
            case 4: MatMulTile512.Run<TileRows4>(k, a, aStep, b, bStep, c, ldc, add); break;
            case 5: MatMulTile512.Run<TileRows5>(k, a, aStep, b, bStep, c, ldc, add); break;
            case 6: MatMulTile512.Run<TileRows6>(k, a, aStep, b, bStep, c, ldc, add); break;
            case 7: MatMulTile512.Run<TileRows7>(k, a, aStep, b, bStep, c, ldc, add); break;
            case 8: MatMulTile512.Run<TileRows8>(k, a, aStep, b, bStep, c, ldc, add); break;
            case 9: MatMulTile512.Run<TileRows9>(k, a, aStep, b, bStep, c, ldc, add); break;
            case 10: MatMulTile512.Run<TileRows10>(k, a, aStep, b, bStep, c, ldc, add); break;
            case 11: MatMulTile512.Run<TileRows11>(k, a, aStep, b, bStep, c, ldc, add); break;
            case 12: MatMulTile512.Run<TileRows12>(k, a, aStep, b, bStep, c, ldc, add); break;
            case 13: MatMulTile512.Run<TileRows13>(k, a, aStep, b, bStep, c, ldc, add); break;
            case 14: MatMulTile512.Run<TileRows14>(k, a, aStep, b, bStep, c, ldc, add); break;
        }
    }

    private static void Run256(int rows, nint k, float* a, nint aStep, float* b, nint bStep, float* c, nint ldc, bool add)
    {
        switch (rows)
        {
            case 1: MatMulTile256.Run<TileRows1>(k, a, aStep, b, bStep, c, ldc, add); break;
            case 2: MatMulTile256.Run<TileRows2>(k, a, aStep, b, bStep, c, ldc, add); break;
            case 3: MatMulTile256.Run<TileRows3>(k, a, aStep, b, bStep, c, ldc, add); break;
            case 4: MatMulTile256.Run<TileRows4>(k, a, aStep, b, bStep, c, ldc, add); break;
            case 5: MatMulTile256.Run<TileRows5>(k, a, aStep, b, bStep, c, ldc, add); break;
            case 6: MatMulTile256.Run<TileRows6>(k, a, aStep, b, bStep, c, ldc, add); break;
        }
    }

    private static void Run128(int rows, nint k, float* a, nint aStep, float* b, nint bStep, float* c, nint ldc, bool add)
    {
        switch (rows)
        {
            case 1: MatMulTile128.Run<TileRows1>(k, a, aStep, b, bStep, c, ldc, add); break;
            case 2: MatMulTile128.Run<TileRows2>(k, a, aStep, b, bStep, c, ldc, add); break;
            case 3: MatMulTile128.Run<TileRows3>(k, a, aStep, b, bStep, c, ldc, add); break;
            case 4: MatMulTile128.Run<TileRows4>(k, a, aStep, b, bStep, c, ldc, add); break;
            case 5: MatMulTile128.Run<TileRows5>(k, a, aStep, b, bStep, c, ldc, add); break;
            case 6: MatMulTile128.Run<TileRows6>(k, a, aStep, b, bStep, c, ldc, add); break;
        }
    }
}
