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

    private const int Width = MatMulTile.Columns, CodeBytes = Width / 2;

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
        var mask = Vector128.Create((byte)15);
        for (var i = 0; i < count; i++, from += CodeBytes, to += Width)
        {
            var bytes = Vector128.Load(from);
            var first = Avx512F.ConvertToVector512Int32(bytes & mask);
            var second = Avx512F.ConvertToVector512Int32((bytes.AsUInt16() >>> 4).AsByte() & mask);
            (Avx512F.PermuteVar16x32(table, first) * low).Store(to);
            (Avx512F.PermuteVar16x32(table, second) * high).Store(to + 16);
        }
    }

    private void Decode256(byte* from, float* scale, int count, float* to)
    {
        Vector256<float> below = Vector256.Load(levels), above = Vector256.Load(levels + 8);
        var mask = Vector128.Create((byte)15);
        for (var i = 0; i < count; i++, from += CodeBytes, to += Width)
        {
            var bytes = Vector128.Load(from);
            var first = bytes & mask;
            var second = (bytes.AsUInt16() >>> 4).AsByte() & mask;
            Eight(first, below, above, scale, to);
            Eight(Sse2.ShiftRightLogical128BitLane(first, 8), below, above, scale + 8, to + 8);
            Eight(second, below, above, scale + 16, to + 16);
            Eight(Sse2.ShiftRightLogical128BitLane(second, 8), below, above, scale + 24, to + 24);
        }
    }

    // The look-up takes the three low bits of a code; the fourth chooses between the halves of the table.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Eight(Vector128<byte> codes, Vector256<float> below, Vector256<float> above, float* scale, float* to)
    {
        var index = Avx2.ConvertToVector256Int32(codes);
        var chosen = Avx.BlendVariable(Avx2.PermuteVar8x32(below, index), Avx2.PermuteVar8x32(above, index), (index << 28).AsSingle());
        (chosen * Vector256.Load(scale)).Store(to);
    }

    private void DecodeEach(byte* from, float* scale, int count, float* to)
    {
        for (var i = 0; i < count; i++, from += CodeBytes, to += Width)
            for (var lane = 0; lane < Width; lane++)
                to[lane] = levels[lane < CodeBytes ? from[lane] & 15 : from[lane - CodeBytes] >> 4] * scale[lane];
    }
}
