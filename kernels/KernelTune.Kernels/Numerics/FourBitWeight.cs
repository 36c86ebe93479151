using System.Buffers;

namespace KernelTune.Kernels.Numerics;

/// <summary>Which table 4-bit codes refer to.</summary>
public enum FourBitType
{
    Nf4,
    Fp4,
}

/// <summary>
/// A weight in bitsandbytes' 4-bit form: two codes a byte, a magnitude a block of the flattened tensor. With double quantisation (QLoRA, section 3) the magnitudes, less their mean, are 8-bit codes of
/// blocks of their own.
/// </summary>
public sealed class FourBitWeight
{
    /// <summary>Blocks of magnitudes, where they are quantised again.</summary>
    public const int NestedBlockSize = 256;

    private const int RunElements = 1 << 16;

    private static readonly BlockQuantizer Nf4 = new(CodeTables.Nf4), Fp4 = new(CodeTables.Fp4), Nested = new(CodeTables.Dynamic(signed: true));

    public required FourBitType Type { get; init; }

    /// <summary>Numbers a block.</summary>
    public required int BlockSize { get; init; }

    /// <summary>The weight's own shape.</summary>
    public required IReadOnlyList<long> Shape { get; init; }

    /// <summary>The type it had, to which it is dequantised: F32, BF16 or F16.</summary>
    public required DType Original { get; init; }

    /// <summary>⌈n / 2⌉ bytes, the first code in the high half.</summary>
    public required byte[] Packed { get; init; }

    /// <summary>The magnitude of each block, dequantised where it was quantised.</summary>
    public required float[] AbsMax { get; init; }

    /// <summary>The magnitudes' own codes; null: they are stored as they are.</summary>
    public NestedMagnitudes? DoubleQuantized { get; init; }

    /// <summary>The level of each of the 16 codes.</summary>
    public ReadOnlySpan<float> Levels => Quantizer(Type).Levels;

    public long Elements => Shape.Aggregate(1L, (n, d) => n * d);

    /// <summary>Quantises numbers.</summary>
    /// <param name="type">The table.</param>
    /// <param name="numbers">The weight, row by row.</param>
    /// <param name="shape">Its shape.</param>
    /// <param name="blockSize">Numbers a block: a power of two from 64 to 4096.</param>
    /// <param name="nested">Whether the magnitudes are quantised again.</param>
    /// <param name="original">The type that it will be dequantised to.</param>
    public static FourBitWeight Quantize(FourBitType type, ReadOnlySpan<float> numbers, IReadOnlyList<long> shape, int blockSize = 64, bool nested = false, DType original = DType.F32)
    {
        var absmax = new float[(numbers.Length + blockSize - 1) / blockSize];
        var packed = new byte[(numbers.Length + 1) / 2];
        QuantizeBlocks(type, numbers, blockSize, packed, absmax);
        var again = nested ? NestedMagnitudes.Of(absmax) : null;
        return new FourBitWeight
        {
            Type = type, BlockSize = blockSize, Shape = shape, Original = original, Packed = packed, AbsMax = again?.Dequantize() ?? absmax, DoubleQuantized = again,
        };
    }

    /// <summary>Quantises whole blocks of a weight, or its end: the magnitudes are not quantised again.</summary>
    /// <param name="type">The table.</param>
    /// <param name="numbers">From the beginning of a block on.</param>
    /// <param name="blockSize">Numbers a block.</param>
    /// <param name="packed">⌈n / 2⌉ bytes.</param>
    /// <param name="absmax">One a block.</param>
    public static void QuantizeBlocks(FourBitType type, ReadOnlySpan<float> numbers, int blockSize, Span<byte> packed, Span<float> absmax)
    {
        var quantizer = Quantizer(type);
        // Blocks are even powers of two: a run of them begins at a byte.
        int run = Math.Max(1, RunElements / blockSize) * blockSize;
        byte[] codes = ArrayPool<byte>.Shared.Rent(Math.Min(run, numbers.Length));
        for (int at = 0; at < numbers.Length; at += run)
        {
            int count = Math.Min(run, numbers.Length - at);
            var part = codes.AsSpan(0, count);
            quantizer.Quantize(numbers.Slice(at, count), blockSize, part, absmax[(at / blockSize)..], shortDivides: true);
            quantizer.PackNibbles(part, packed[(at / 2)..]);
        }
        ArrayPool<byte>.Shared.Return(codes);
    }

    /// <summary>Numbers [first, first + into.Length) of the flattened weight: level · magnitude in float, then what <see cref="Original"/> can hold.</summary>
    public void Dequantize(long first, Span<float> into)
    {
        var levels = Levels;
        for (int i = 0; i < into.Length; i++)
        {
            long at = first + i;
            int code = (at & 1) == 0 ? Packed[at >> 1] >> 4 : Packed[at >> 1] & 15;
            into[i] = levels[code] * AbsMax[at / BlockSize];
        }
        unsafe
        {
            fixed (float* p = into)
                HalfPrecision.Round(p, into.Length, Original);
        }
    }

    /// <summary>The table of a type, ready to quantise.</summary>
    public static BlockQuantizer Quantizer(FourBitType type) => type == FourBitType.Nf4 ? Nf4 : Fp4;

    /// <summary>Magnitudes as 8-bit codes of the signed dynamic table, less their mean, in blocks of 256.</summary>
    /// <param name="Codes">One a magnitude.</param>
    /// <param name="AbsMax">One a block of them.</param>
    /// <param name="Offset">The mean that was taken off.</param>
    public sealed record NestedMagnitudes(byte[] Codes, float[] AbsMax, float Offset)
    {
        /// <summary>The table that the codes refer to.</summary>
        public static ReadOnlySpan<float> Levels => Nested.Levels;

        public static NestedMagnitudes Of(ReadOnlySpan<float> magnitudes)
        {
            double sum = 0;
            foreach (float m in magnitudes)
                sum += m;
            float offset = (float)(sum / magnitudes.Length);
            var shifted = new float[magnitudes.Length];
            for (int i = 0; i < shifted.Length; i++)
                shifted[i] = magnitudes[i] - offset;
            var codes = new byte[shifted.Length];
            var absmax = new float[(shifted.Length + NestedBlockSize - 1) / NestedBlockSize];
            Nested.Quantize(shifted, NestedBlockSize, codes, absmax);
            return new NestedMagnitudes(codes, absmax, offset);
        }

        public float[] Dequantize()
        {
            var magnitudes = new float[Codes.Length];
            Nested.Dequantize(Codes, NestedBlockSize, AbsMax, magnitudes);
            for (int i = 0; i < magnitudes.Length; i++)
                magnitudes[i] += Offset;
            return magnitudes;
        }
    }
}
