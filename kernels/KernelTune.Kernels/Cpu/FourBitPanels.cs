using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Kernels.Cpu;

/// <summary>
/// A weight W [N, K] of 4-bit codes, re-laid at load so that decoding is two table look-ups in registers: in panel p, at each k, 16 bytes hold rows 0…15 in their low and rows 16…31 in their
/// high halves; every group of k has a magnitude for each of the 32 rows. A weight is level · magnitude in float, as bitsandbytes computes it, and
/// then what the type it was quantised from can hold.
/// </summary>
/// <param name="codes">[panels, K, 16].</param>
/// <param name="magnitudes">[panels, K / group, 32].</param>
/// <param name="k">Columns of W, a multiple of <paramref name="group"/>.</param>
/// <param name="group">Columns that share a row's magnitude.</param>
/// <param name="levels">16 levels.</param>
/// <param name="original">The type it was quantised from: F32, or BF16 or F16, to which every number is rounded.</param>
public readonly unsafe struct FourBitPanels(byte* codes, float* magnitudes, int k, int group, float* levels, DType original) : IPanelSource
{
    /// <summary>The least number of columns that may share a magnitude: fewer would take more memory than fp32 saves.</summary>
    public const int LeastGroup = 8;

    private const int Width = MatMulTile.Columns, CodeBytes = Width / 2, Ahead = 2048;

    /// <summary>Columns that share a magnitude where blocks run over the flattened weight: the greatest number that divides both a row and a block.</summary>
    public static int GroupOf(int columns, int blockSize)
    {
        var (a, b) = (columns, blockSize);
        while (b != 0)
            (a, b) = (b, a % b);
        return a;
    }

    /// <summary>Bytes of the codes.</summary>
    public static long CodesFor(int rows, int columns) => (long)MatMulBlocking.Panels(rows) * columns * CodeBytes;

    /// <summary>Bytes of codes and magnitudes.</summary>
    public static long BytesFor(int rows, int columns, int group) => CodesFor(rows, columns) + ((long)MatMulBlocking.Panels(rows) * (columns / group) * Width * sizeof(float));

    /// <summary>Lays flat codes out: rows [first, first + count) of W, first a multiple of 32.</summary>
    /// <param name="flat">Two codes a byte, the first in the high half, of those rows alone.</param>
    /// <param name="blocks">The magnitude of each block of those rows.</param>
    /// <param name="blockSize">Numbers a block.</param>
    /// <param name="first">The first row.</param>
    /// <param name="count">How many rows.</param>
    public void Lay(byte* flat, float* blocks, int blockSize, int first, int count)
    {
        for (var row = 0; row < (count + Width - 1) / Width * Width; row++)
        {
            var (panel, lane) = ((first + row) / Width, (first + row) % Width);
            for (var c = 0; c < k; c++)
            {
                var at = (long)row * k + c;
                var code = row >= count ? 0 : (at & 1) == 0 ? flat[at >> 1] >> 4 : flat[at >> 1] & 15;
                var to = codes + ((nint)panel * k + c) * CodeBytes + lane % CodeBytes;
                *to = (byte)(lane < CodeBytes ? (*to & 0xF0) | code : (*to & 0x0F) | code << 4);
            }
            for (var g = 0; g < k / group; g++)
                magnitudes[((nint)panel * (k / group) + g) * Width + lane] = row < count ? blocks[((long)row * k + (long)g * group) / blockSize] : 0;
        }
    }

    public void Decode(InstructionSet set, int panel, int k0, int count, float* to)
    {
        var from = codes + ((nint)panel * k + k0) * CodeBytes;
        var scales = magnitudes + (nint)panel * (k / group) * Width;
        var begin = to;
        for (var at = k0; at < k0 + count;)
        {
            var g = at / group;
            var some = Math.Min(k0 + count, (g + 1) * group) - at;
            var scale = scales + (nint)g * Width;
            if (set == InstructionSet.Avx512)
                Decode512(from, scale, some, to);
            else if (set == InstructionSet.Avx2)
                Decode256(from, scale, some, to);
            else
                DecodeEach(from, scale, some, to);
            at += some;
            from += (nint)some * CodeBytes;
            to += (nint)some * Width;
        }
        HalfPrecision.Round(begin, (nint)count * Width, original);
    }

    public void DecodeRow(int row, float* to)
    {
        var (panel, lane) = (row / Width, row % Width);
        var from = codes + (nint)panel * k * CodeBytes + lane % CodeBytes;
        var scale = magnitudes + (nint)panel * (k / group) * Width + lane;
        for (var c = 0; c < k; c++, from += CodeBytes)
            to[c] = levels[lane < CodeBytes ? *from & 15 : *from >> 4] * scale[(nint)(c / group) * Width];
        HalfPrecision.Round(to, k, original);
    }

    private void Decode512(byte* from, float* scale, int count, float* to)
    {
        var table = Vector512.Load(levels);
        Vector512<float> low = Vector512.Load(scale), high = Vector512.Load(scale + 16);
        for (var i = 0; i < count; i++, from += CodeBytes, to += Width)
        {
            // The look-up reads the four low bits alone.
            var codes = Avx512F.ConvertToVector512Int32(Vector128.Load(from));
            (Avx512F.PermuteVar16x32(table, codes) * low).Store(to);
            (Avx512F.PermuteVar16x32(table, codes >>> 4) * high).Store(to + 16);
        }
    }

    private void Decode256(byte* from, float* scale, int count, float* to)
    {
        Vector256<float> below = Vector256.Load(levels), above = Vector256.Load(levels + 8);
        for (var i = 0; i < count; i++, from += CodeBytes, to += Width)
        {
            Vector256<int> first = Avx2.ConvertToVector256Int32(from), second = Avx2.ConvertToVector256Int32(from + 8);
            (Level(first, below, above) * Vector256.Load(scale)).Store(to);
            (Level(second, below, above) * Vector256.Load(scale + 8)).Store(to + 8);
            (Level(first >>> 4, below, above) * Vector256.Load(scale + 16)).Store(to + 16);
            (Level(second >>> 4, below, above) * Vector256.Load(scale + 24)).Store(to + 24);
        }
    }

    // The look-up takes the three low bits of a code; the fourth chooses between the halves of the table.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Level(Vector256<int> codes, Vector256<float> below, Vector256<float> above) =>
        Avx.BlendVariable(Avx2.PermuteVar8x32(below, codes), Avx2.PermuteVar8x32(above, codes), (codes << 28).AsSingle());

    public float* Slice(int panel, int k0) => null;

    public bool TryMultiply(InstructionSet set, int panel, int k0, int count, float* x, float* to, bool add)
    {
        if (original != DType.F32 || set == InstructionSet.Portable)
            return false;
        var from = codes + ((nint)panel * k + k0) * CodeBytes;
        var scales = magnitudes + (nint)panel * (k / group) * Width;
        if (set == InstructionSet.Avx512)
            Multiply512(from, scales, group, levels, k0, count, x, to, add);
        else
            Multiply256(from, scales, group, levels, k0, count, x, to, add);
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Multiply512(byte* from, float* scales, int group, float* levels, int k0, int count, float* x, float* to, bool add)
    {
        var table = Vector512.Load(levels);
        Vector512<float> sumLow = default, sumHigh = default;
        var scale = scales + (nint)(k0 / group) * Width;
        for (var some = Math.Min(group - k0 % group, count); count > 0; some = Math.Min(group, count), scale += Width)
        {
            Vector512<float> low = Vector512.Load(scale), high = Vector512.Load(scale + 16);
            count -= some;
            for (; some > 0; some--, from += CodeBytes, x++)
            {
                // Ahead of the processor's own prefetching.
                Sse.Prefetch0(from + Ahead);
                var codes = Avx512F.ConvertToVector512Int32(Vector128.Load(from));
                var v = Vector512.Create(*x);
                sumLow = Avx512F.FusedMultiplyAdd(v, Avx512F.PermuteVar16x32(table, codes) * low, sumLow);
                sumHigh = Avx512F.FusedMultiplyAdd(v, Avx512F.PermuteVar16x32(table, codes >>> 4) * high, sumHigh);
            }
        }
        PanelSums.Put(to, sumLow, sumHigh, add);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Multiply256(byte* from, float* scales, int group, float* levels, int k0, int count, float* x, float* to, bool add)
    {
        Vector256<float> below = Vector256.Load(levels), above = Vector256.Load(levels + 8);
        Vector256<float> a = default, b = default, c = default, d = default;
        var scale = scales + (nint)(k0 / group) * Width;
        for (var some = Math.Min(group - k0 % group, count); count > 0; some = Math.Min(group, count), scale += Width)
        {
            count -= some;
            for (; some > 0; some--, from += CodeBytes, x++)
            {
                Sse.Prefetch0(from + Ahead);
                Vector256<int> first = Avx2.ConvertToVector256Int32(from), second = Avx2.ConvertToVector256Int32(from + 8);
                var v = Vector256.Create(*x);
                a = Fma.MultiplyAdd(v, Level(first, below, above) * Vector256.Load(scale), a);
                b = Fma.MultiplyAdd(v, Level(second, below, above) * Vector256.Load(scale + 8), b);
                c = Fma.MultiplyAdd(v, Level(first >>> 4, below, above) * Vector256.Load(scale + 16), c);
                d = Fma.MultiplyAdd(v, Level(second >>> 4, below, above) * Vector256.Load(scale + 24), d);
            }
        }
        PanelSums.Put(to, a, b, c, d, add);
    }

    private void DecodeEach(byte* from, float* scale, int count, float* to)
    {
        for (var i = 0; i < count; i++, from += CodeBytes, to += Width)
            for (var lane = 0; lane < Width; lane++)
                to[lane] = levels[lane < CodeBytes ? from[lane] & 15 : from[lane - CodeBytes] >> 4] * scale[lane];
    }
}
