using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace KernelTune.Kernels.Cpu;

/// <summary>
/// Where the columns of a product go: column n is image b, row q, column r, at b·Image + q·Row + r·Step of a row of the result, whose rows are Channel apart. Bias, if there is one, is added
/// to each row with the last sum.
/// </summary>
internal readonly unsafe struct WindowTarget(float* start, float* bias, int rows, int columns, nint image, nint channel, nint row, int step)
{
    private readonly int plane = rows * columns;
    private readonly bool isDense = step == 1 && (rows == 1 || row == columns);

    public float* Start => start;

    public nint Channel => channel;

    /// <summary>The result from row <paramref name="first"/> on.</summary>
    public WindowTarget Below(int first) => new(start + (first * channel), bias == null ? null : bias + first, rows, columns, image, channel, row, step);

    /// <summary>True where columns [first, first + count) are neighbours of one image: tiles are then written where they belong.</summary>
    public bool IsOneRun(int first, int count, out nint offset)
    {
        (int number, int at) = Math.DivRem(first, plane);
        offset = (number * image) + at;
        return isDense && at + count <= plane;
    }

    /// <summary>The place of each of columns [first, first + count).</summary>
    public void Places(int first, int count, nint* places)
    {
        (int line, int r) = Math.DivRem(first, columns);
        (int number, int q) = Math.DivRem(line, rows);
        for (int i = 0; i < count; i++)
        {
            places[i] = (number * image) + (q * row) + ((nint)r * step);
            if (++r < columns)
                continue;
            r = 0;
            if (++q == rows)
                (q, number) = (0, number + 1);
        }
    }

    /// <summary>Puts a tile of 32 columns apart into its places, or adds it there.</summary>
    public void Put(float* tile, int firstRow, int tall, int count, nint* places, bool add, bool final)
    {
        for (int r = 0; r < tall; r++, tile += MatMulTile.Columns)
        {
            float* to = start + ((firstRow + r) * channel);
            float more = final && bias != null ? bias[firstRow + r] : 0;
            bool biased = final && bias != null;
            for (int j = 0; j < count;)
            {
                // Neighbours, eight at a time.
                if (j + 8 <= count && places[j + 7] - places[j] == 7)
                {
                    float* at = to + places[j];
                    var v = Vector256.Load(tile + j);
                    if (add)
                        v = Vector256.Load(at) + v;
                    if (biased)
                        v += Vector256.Create(more);
                    v.Store(at);
                    j += 8;
                    continue;
                }
                float value = add ? to[places[j]] + tile[j] : tile[j];
                to[places[j]] = biased ? value + more : value;
                j++;
            }
        }
    }

    /// <summary>Adds the bias to a tile that was written where it belongs.</summary>
    public void AddBias(float* tile, int firstRow, int tall, int count)
    {
        if (bias == null)
            return;
        for (int r = 0; r < tall; r++, tile += channel)
        {
            float more = bias[firstRow + r];
            int j = 0;
            for (; j + 8 <= count; j += 8)
                (Vector256.Load(tile + j) + Vector256.Create(more)).Store(tile + j);
            for (; j < count; j++)
                tile[j] += more;
        }
    }
}
