using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using KernelTune.Kernels.Lanes;

namespace KernelTune.Kernels.Cpu;

/// <summary>How the elements of an axis become one.</summary>
public enum ReductionKind : byte
{
    Sum,
    SumOfSquares,
    Max,
    Min,
}

/// <summary>Reductions in fixed trees: the same bits for every instruction set and number of threads. V is 16 wide.</summary>
public static unsafe class Reductions
{
    /// <summary>Elements of a row that are summed in single precision; the pieces of a longer row are added in double, in order.</summary>
    public const int Piece = 8192;

    /// <summary>Rows of a piece of <see cref="Columns"/>: sums of pieces are added in order.</summary>
    public const int RowsOfPiece = 64;

    /// <summary>The reduction of n neighbouring elements. NaN is the largest and the smallest. Of nothing: 0, −∞ (max) and +∞ (min).</summary>
    public static float Row<V>(ReductionKind kind, float* x, long n) where V : struct, IRowLane<V>
    {
        switch (kind)
        {
            case ReductionKind.Max: return RowLoops.Largest<V>(x, n);
            case ReductionKind.Min: return Smallest<V>(x, n);
        }

        if (n <= Piece) return kind == ReductionKind.Sum ? RowLoops.Sum<V, Itself>(x, x, x, n) : RowLoops.Sum<V, Squared>(x, x, x, n);
        double sum = 0;
        for (long i = 0; i < n; i += Piece) sum += Row<V>(kind, x + i, Math.Min(Piece, n - i));
        return (float)sum;
    }

    /// <summary>
    /// y[c] = the reduction over rows of x[row, c], c in [0, columns); rows begin every step elements; added to y where accumulate (sums only). Sums: pieces of
    /// <see cref="RowsOfPiece"/> rows in order.
    /// </summary>
    public static void Columns<V>(ReductionKind kind, float* x, long step, long rows, float* y, int columns, bool accumulate) where V : struct, IRowLane<V>
    {
        for (int c = 0; c < columns; c += 32)
        {
            int first = Math.Min(columns - c, 16), second = Math.Clamp(columns - c - 16, 0, 16);
            Block<V>(kind, x + c, step, rows, y + c, first, second, accumulate);
        }
    }

    // 32 columns at once: one cache line would be half used otherwise.
    private static void Block<V>(ReductionKind kind, float* x, long step, long rows, float* y, int first, int second, bool accumulate) where V : struct, IRowLane<V>
    {
        V start = V.Create(kind switch { ReductionKind.Max => float.NegativeInfinity, ReductionKind.Min => float.PositiveInfinity, _ => 0f });
        V total0 = start, total1 = start;
        bool whole = second == 16;
        for (long piece = 0; piece < rows; piece += RowsOfPiece)
        {
            V sum0 = start, sum1 = start;
            long end = Math.Min(piece + RowsOfPiece, rows);
            float* row = x + piece * step;
            for (long r = piece; r < end; r++, row += step)
            {
                V a = whole ? V.Load(row) : V.LoadPart(row, first), b = whole ? V.Load(row + 16) : V.LoadPart(row + 16, second);
                switch (kind)
                {
                    case ReductionKind.Sum: (sum0, sum1) = (sum0 + a, sum1 + b); break;
                    case ReductionKind.SumOfSquares: (sum0, sum1) = (sum0 + a * a, sum1 + b * b); break;
                    case ReductionKind.Max: (sum0, sum1) = (V.Max(sum0, a), V.Max(sum1, b)); break;
                    default: (sum0, sum1) = (V.Min(sum0, a), V.Min(sum1, b)); break;
                }
            }

            switch (kind)
            {
                case ReductionKind.Max: (total0, total1) = (V.Max(total0, sum0), V.Max(total1, sum1)); break;
                case ReductionKind.Min: (total0, total1) = (V.Min(total0, sum0), V.Min(total1, sum1)); break;
                default: (total0, total1) = (total0 + sum0, total1 + sum1); break;
            }
        }

        V.StorePart(accumulate ? V.LoadPart(y, first) + total0 : total0, y, first);
        V.StorePart(accumulate ? V.LoadPart(y + 16, second) + total1 : total1, y + 16, second);
    }

    /// <summary>The index of the first largest of n ≥ 1 elements; the first NaN, if there is one.</summary>
    public static long ArgMax<V>(float* x, long n) where V : struct, IRowLane<V>
    {
        float max = RowLoops.Largest<V>(x, n);
        V wanted = V.Create(max);
        bool nan = float.IsNaN(max);
        long i = 0;
        for (; i + 16 <= n; i += 16)
        {
            V value = V.Load(x + i);
            if (V.Any(nan ? V.IsNaN(value) : V.Equal(value, wanted))) break;
        }

        while (nan ? !float.IsNaN(x[i]) : x[i] != max) i++;
        return i;
    }

    /// <summary>Σ x, in double: element i goes to sum i mod 16, the sums are added by halves.</summary>
    public static double SumInDouble(float* x, long n) => InDouble(x, n, squares: false);

    /// <summary>Σ x², in double (a gradient's share of the global norm); each square is exact.</summary>
    public static double SumOfSquaresInDouble(float* x, long n) => InDouble(x, n, squares: true);

    private static double InDouble(float* x, long n, bool squares)
    {
        Vector256<double> s0 = default, s1 = default, s2 = default, s3 = default;
        long i = 0;
        for (; i + 16 <= n; i += 16)
        {
            (Vector256<double> a, Vector256<double> b) = Vector256.Widen(Vector256.Load(x + i));
            (Vector256<double> c, Vector256<double> d) = Vector256.Widen(Vector256.Load(x + i + 8));
            (s0, s1, s2, s3) = squares ? (s0 + a * a, s1 + b * b, s2 + c * c, s3 + d * d) : (s0 + a, s1 + b, s2 + c, s3 + d);
        }

        if (i < n)
        {
            float* rest = stackalloc float[16];
            new Span<float>(rest, 16).Clear();
            new ReadOnlySpan<float>(x + i, (int)(n - i)).CopyTo(new Span<float>(rest, 16));
            (Vector256<double> a, Vector256<double> b) = Vector256.Widen(Vector256.Load(rest));
            (Vector256<double> c, Vector256<double> d) = Vector256.Widen(Vector256.Load(rest + 8));
            (s0, s1, s2, s3) = squares ? (s0 + a * a, s1 + b * b, s2 + c * c, s3 + d * d) : (s0 + a, s1 + b, s2 + c, s3 + d);
        }

        Vector256<double> four = s0 + s2 + (s1 + s3);
        Vector128<double> two = four.GetLower() + four.GetUpper();
        return two.GetElement(0) + two.GetElement(1);
    }

    private static float Smallest<V>(float* x, long n) where V : struct, IRowLane<V>
    {
        V most = V.Create(float.PositiveInfinity), min = most;
        long i = 0;
        for (; i + 16 <= n; i += 16) min = V.Min(min, V.Load(x + i));
        int rest = (int)(n - i);
        if (rest > 0) min = V.Min(min, V.Select(V.First(rest), V.LoadPart(x + i, rest), most));
        return -V.Largest(-min);
    }
}
