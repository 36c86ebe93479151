using System.Runtime.Intrinsics;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Kernels.Cpu;

/// <summary>A left operand op(A) [M, K] as tiles of an instruction set's height: element (m, k) of a tile at k·height + m.</summary>
internal static unsafe class PackingLeft
{
    /// <summary>
    /// Packs rows × count elements. Tiles have near-equal heights (<see cref="First"/>): a sliver of one row would cost as much as four.
    /// Slice k of tile t starts at (t·count + k)·height; rows that a tile lacks stay unwritten.
    /// </summary>
    /// <param name="set">Whose tiles.</param>
    /// <param name="transposed">False: element (m, k) at m·ld + k. True: at k·ld + m.</param>
    /// <param name="from">Element (0, 0).</param>
    /// <param name="ld">Distance between stored rows.</param>
    /// <param name="rows">How many m.</param>
    /// <param name="count">How many k.</param>
    /// <param name="to">Room for whole tiles.</param>
    public static void Run(InstructionSet set, bool transposed, float* from, nint ld, int rows, int count, float* to)
    {
        var height = MatMulTile.Rows(set);
        var tiles = (rows + height - 1) / height;
        for (var t = 0; t < tiles; t++, to += (nint)height * count)
        {
            var m = First(rows, t, tiles);
            var tall = First(rows, t + 1, tiles) - m;
            if (transposed)
                Straight(from + m, ld, tall, height, count, to);
            else
                PackingTranspose.Run(set, from + m * ld, ld, tall, count, to, height);
        }
    }

    /// <summary>The first row of tile <paramref name="tile"/>; rows · tiles is below 2^32.</summary>
    public static int First(int rows, int tile, int tiles) => (int)((uint)rows * (uint)tile / (uint)tiles);

    private static void Straight(float* from, nint ld, int rows, int height, int count, float* to)
    {
        if (rows >= 8)
        {
            // Two vectors that overlap in the middle.
            var second = rows - 8;
            for (var k = 0; k < count; k++, from += ld, to += height)
            {
                var high = Vector256.Load(from + second);
                Vector256.Load(from).Store(to);
                high.Store(to + second);
            }
            return;
        }
        for (var k = 0; k < count; k++, from += ld, to += height)
            for (var r = 0; r < rows; r++)
                to[r] = from[r];
    }
}
