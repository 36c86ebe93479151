using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace KernelTune.Kernels.Numerics;

/// <summary>
/// One of the two dynamic maps of 8-bit optimizer states (Dettmers et al., 2022) as tables for one look-up each way: a code's level, and the code nearest to a number in [−1, 1], split at the float
/// midpoints as <see cref="BlockQuantizer"/> splits (a number on a midpoint takes the lower code).
/// </summary>
/// <remarks>
/// A number's sign, exponent and first bits of its fraction choose a bucket, in which there is at most one midpoint. The bucket's entry holds the code at its lower end above the bits of the
/// midpoint's remainder, so that adding the number's remainder (taking it away, below 0) carries into the code exactly where the midpoint lies between.
/// </remarks>
public sealed unsafe class DynamicCodes
{
    // Below 2^-23 there is no midpoint.
    private const int FirstExponent = 127 - 23;
    private const int One = 127;
    private readonly int[] entries;
    private readonly byte[] planes;

    private DynamicCodes(bool signed, int fractionBits)
    {
        Levels = Pinned(CodeTables.Dynamic(signed));
        planes = Pinned(PlanesOf(Levels));
        Shift = 23 - fractionBits;
        First = FirstExponent << fractionBits;
        Last = (One << fractionBits) - First;
        entries = Pinned(new int[(Last + 1) * (signed ? 2 : 1)]);
        var quantizer = new BlockQuantizer(Levels);
        for (int bucket = 0; bucket <= Last; bucket++)
        {
            entries[bucket] = Entry(quantizer, bucket, negative: false);
            if (signed)
                entries[Last + 1 + bucket] = Entry(quantizer, bucket, negative: true);
        }
    }

    /// <summary>Levels of both signs: first moments.</summary>
    // 64 levels in the greatest decade: six bits part them.
    public static DynamicCodes Signed { get; } = new(true, 6);

    /// <summary>Levels of 0 and above: second moments.</summary>
    public static DynamicCodes Unsigned { get; } = new(false, 7);

    /// <summary>The level of each code, ascending. Pinned.</summary>
    public float[] Levels { get; }

    private int Shift { get; }

    private int First { get; }

    private int Last { get; }

    /// <summary>The codes nearest to numbers; what is no number, or beyond 1, takes the last code of its sign.</summary>
    /// <param name="numbers">As many as <paramref name="count"/>; of the unsigned map none is below 0.</param>
    /// <param name="codes">As many.</param>
    /// <param name="count">How many.</param>
    /// <param name="set">On which instructions; all give the same codes.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Encode(InstructionSet set, float* numbers, byte* codes, int count)
    {
        int done = 0;
        if (set >= InstructionSet.Avx2)
        {
            for (; done + 32 <= count; done += 32)
            {
                Vector256<ushort> low = Vector256.Narrow(Eight(numbers + done), Eight(numbers + done + 8)), high = Vector256.Narrow(Eight(numbers + done + 16), Eight(numbers + done + 24));
                Vector256.Narrow(low, high).Store(codes + done);
            }
        }
        EncodeEach(numbers + done, codes + done, count - done);
    }

    private void EncodeEach(float* numbers, byte* codes, int count)
    {
        int shift = Shift, first = First, last = Last, mask = (1 << Shift) - 1;
        int* bits = (int*)numbers;
        int* table = (int*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(entries));
        if (entries.Length > last + 1)
        {
            for (int i = 0; i < count; i++)
            {
                int negative = bits[i] >> 31, size = bits[i] & int.MaxValue;
                int bucket = Math.Min(Math.Max((size >> shift) - first, 0), last);
                int rest = ((size & mask) ^ negative) - negative;
                codes[i] = (byte)((table[bucket + (negative & (last + 1))] + rest) >> shift);
            }
            return;
        }
        for (int i = 0; i < count; i++)
        {
            int size = bits[i] & int.MaxValue;
            int bucket = Math.Min(Math.Max((size >> shift) - first, 0), last);
            codes[i] = (byte)((table[bucket] + (size & mask)) >> shift);
        }
    }

    /// <summary>The levels of codes, not yet multiplied by a block's magnitude.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Decode(InstructionSet set, byte* codes, float* levels, int count)
    {
        float* table = (float*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(Levels));
        int i = 0;
        if (set == InstructionSet.Avx512 && Avx512Vbmi.IsSupported)
        {
            for (; i + 64 <= count; i += 64)
                SixtyFour(codes + i, levels + i);
        }
        if (set >= InstructionSet.Avx2)
        {
            for (; i + 8 <= count; i += 8)
                Avx2.GatherVector256(table, Avx2.ConvertToVector256Int32(codes + i), sizeof(float)).Store(levels + i);
        }
        for (; i < count; i++)
            levels[i] = table[codes[i]];
    }

    // A byte of every level in each of four tables of 256 bytes: a permutation of 128 bytes by seven bits of a code, the eighth chooses between two of them; then bytes are laid side by side.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void SixtyFour(byte* codes, float* levels)
    {
        byte* table = (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(planes));
        Vector512<byte> index = Avx512Vbmi.PermuteVar64x8(Vector512.Load(codes), Vector512.Load(table + 1024));
        Vector512<byte> upper = Vector512.LessThan(index.AsSByte(), Vector512<sbyte>.Zero).AsByte();
        Vector512<byte> b0 = Plane(table, index, upper), b1 = Plane(table + 256, index, upper), b2 = Plane(table + 512, index, upper), b3 = Plane(table + 768, index, upper);
        Vector512<ushort> low0 = Avx512BW.UnpackLow(b0, b1).AsUInt16(), low1 = Avx512BW.UnpackLow(b2, b3).AsUInt16(), high0 = Avx512BW.UnpackHigh(b0, b1).AsUInt16(), high1 = Avx512BW.UnpackHigh(b2, b3).AsUInt16();
        Avx512BW.UnpackLow(low0, low1).AsSingle().Store(levels);
        Avx512BW.UnpackHigh(low0, low1).AsSingle().Store(levels + 16);
        Avx512BW.UnpackLow(high0, high1).AsSingle().Store(levels + 32);
        Avx512BW.UnpackHigh(high0, high1).AsSingle().Store(levels + 48);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<byte> Plane(byte* table, Vector512<byte> index, Vector512<byte> upper) => Vector512.ConditionalSelect(upper,
        Avx512Vbmi.PermuteVar64x8x2(Vector512.Load(table + 128), index, Vector512.Load(table + 192)), Avx512Vbmi.PermuteVar64x8x2(Vector512.Load(table), index, Vector512.Load(table + 64)));

    // The four tables, and the order in which codes must come for unpacking within 128 bits to give their levels in order.
    private static byte[] PlanesOf(float[] levels)
    {
        var planes = new byte[1024 + 64];
        for (int code = 0; code < 256; code++)
        {
            uint bits = BitConverter.SingleToUInt32Bits(levels[code]);
            for (int b = 0; b < 4; b++)
                planes[(256 * b) + code] = (byte)(bits >> (8 * b));
        }
        for (int i = 0; i < 64; i++)
        {
            var (lane, k, j) = (i / 16, i / 4 % 4, i % 4);
            planes[1024 + i] = (byte)((16 * k) + (4 * lane) + j);
        }
        return planes;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Vector256<uint> Eight(float* numbers)
    {
        int* table = (int*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(entries));
        Vector256<int> bits = Vector256.Load((int*)numbers), size = bits & Vector256.Create(int.MaxValue);
        Vector256<int> bucket = Vector256.Min(Vector256.Max(Vector256.ShiftRightLogical(size, Shift) - Vector256.Create(First), Vector256<int>.Zero), Vector256.Create(Last));
        Vector256<int> rest = size & Vector256.Create((1 << Shift) - 1);
        if (entries.Length > Last + 1)
        {
            Vector256<int> negative = Vector256.ShiftRightArithmetic(bits, 31);
            bucket += negative & Vector256.Create(Last + 1);
            rest = (rest ^ negative) - negative;
        }
        return Vector256.ShiftRightLogical((Avx2.GatherVector256(table, bucket, sizeof(int)) + rest).AsUInt32(), Shift);
    }

    private int Entry(BlockQuantizer quantizer, int bucket, bool negative)
    {
        int mask = (1 << Shift) - 1, low = (bucket + First) << Shift, high = bucket == Last ? low : low | mask;
        int begin = quantizer.Nearest(Number(low, negative)), end = quantizer.Nearest(Number(high, negative));
        if (begin == end)
            return (begin << Shift) + (negative ? mask : 0);
        if (Math.Abs(begin - end) != 1)
            throw new InvalidOperationException("two midpoints in a bucket of the dynamic map");
        int lower = Math.Min(begin, end);
        int middle = BitConverter.SingleToInt32Bits(MathF.Abs((Levels[lower] + Levels[lower + 1]) / 2)) & mask;
        return (begin << Shift) + (negative ? middle - 1 : mask - middle);
    }

    private static float Number(int bits, bool negative) => BitConverter.Int32BitsToSingle(negative ? bits | int.MinValue : bits);

    private static T[] Pinned<T>(T[] values)
        where T : unmanaged
    {
        var pinned = GC.AllocateUninitializedArray<T>(values.Length, pinned: true);
        values.CopyTo(pinned, 0);
        return pinned;
    }
}
