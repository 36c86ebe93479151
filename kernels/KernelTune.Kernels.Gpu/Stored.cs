using ILGPU;

namespace KernelTune.Kernels.Gpu;

/// <summary>One element as it lies in memory, and as a number. Numbers go to floating types rounded to nearest even, to integers towards zero.</summary>
public interface IStored<T>
    where T : unmanaged, IStored<T>
{
    static abstract float ToFloat(T stored);

    static abstract double ToDouble(T stored);

    static abstract T FromFloat(float value);

    static abstract T FromDouble(double value);
}

/// <summary>A double.</summary>
public struct StoredF64 : IStored<StoredF64>
{
    public double Value;

    public static float ToFloat(StoredF64 stored) => (float)stored.Value;

    public static double ToDouble(StoredF64 stored) => stored.Value;

    public static StoredF64 FromFloat(float value) => new() { Value = value };

    public static StoredF64 FromDouble(double value) => new() { Value = value };
}

/// <summary>A float.</summary>
public struct StoredF32 : IStored<StoredF32>
{
    public float Value;

    public static float ToFloat(StoredF32 stored) => stored.Value;

    public static double ToDouble(StoredF32 stored) => stored.Value;

    public static StoredF32 FromFloat(float value) => new() { Value = value };

    public static StoredF32 FromDouble(double value) => new() { Value = (float)value };
}

/// <summary>The upper half of a float.</summary>
public struct StoredBF16 : IStored<StoredBF16>
{
    public ushort Bits;

    public static float ToFloat(StoredBF16 stored) => Interop.IntAsFloat((uint)stored.Bits << 16);

    public static double ToDouble(StoredBF16 stored) => ToFloat(stored);

    public static StoredBF16 FromFloat(float value)
    {
        uint bits = Interop.FloatAsInt(value);

        // Rounding could carry a NaN's mantissa into infinity: its quiet bit is set instead.
        uint rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16;
        uint quiet = (bits >> 16) | 0x40;
        return new() { Bits = (ushort)((bits & 0x7FFFFFFF) > 0x7F800000 ? quiet : rounded) };
    }

    public static StoredBF16 FromDouble(double value) => FromFloat((float)value);
}

/// <summary>An IEEE half, converted by its bits: not every accelerator computes with halves.</summary>
public struct StoredF16 : IStored<StoredF16>
{
    // The difference of the two exponents' biases, in place.
    private const uint Rebias = 112u << 23;

    public ushort Bits;

    public static float ToFloat(StoredF16 stored)
    {
        uint sign = ((uint)stored.Bits & 0x8000) << 16, size = (uint)stored.Bits & 0x7FFF;
        uint normal = (size << 13) + Rebias;
        uint special = 0x7F800000 | ((size & 0x3FF) << 13);

        // Below 2^-14 a half counts in steps of 2^-24.
        uint small = Interop.FloatAsInt((int)size * 5.9604644775390625e-8f);
        uint magnitude = size < 0x400 ? small : size < 0x7C00 ? normal : special;
        return Interop.IntAsFloat(sign | magnitude);
    }

    public static double ToDouble(StoredF16 stored) => ToFloat(stored);

    public static StoredF16 FromFloat(float value)
    {
        uint bits = Interop.FloatAsInt(value), size = bits & 0x7FFFFFFF, sign = (bits >> 16) & 0x8000;
        uint normal = (size + 0xFFF + ((size >> 13) & 1) - Rebias) >> 13;

        // Below 2^-14 the sum with ½ rounds to steps of 2^-24.
        uint small = Interop.FloatAsInt(Interop.IntAsFloat(size) + 0.5f) - 0x3F000000;
        uint magnitude = size < 0x38800000 ? small
            : size < 0x477FF000 ? normal
            : size > 0x7F800000 ? 0x7E00 | ((size >> 13) & 0x3FF)
            : 0x7C00;
        return new() { Bits = (ushort)(sign | magnitude) };
    }

    public static StoredF16 FromDouble(double value) => FromFloat((float)value);
}

/// <summary>A 64-bit integer.</summary>
public struct StoredI64 : IStored<StoredI64>
{
    public long Value;

    public static float ToFloat(StoredI64 stored) => stored.Value;

    public static double ToDouble(StoredI64 stored) => stored.Value;

    public static StoredI64 FromFloat(float value) => new() { Value = (long)value };

    public static StoredI64 FromDouble(double value) => new() { Value = (long)value };
}

/// <summary>A 32-bit integer.</summary>
public struct StoredI32 : IStored<StoredI32>
{
    public int Value;

    public static float ToFloat(StoredI32 stored) => stored.Value;

    public static double ToDouble(StoredI32 stored) => stored.Value;

    public static StoredI32 FromFloat(float value) => new() { Value = (int)value };

    public static StoredI32 FromDouble(double value) => new() { Value = (int)value };
}

/// <summary>A signed byte.</summary>
public struct StoredI8 : IStored<StoredI8>
{
    public sbyte Value;

    public static float ToFloat(StoredI8 stored) => stored.Value;

    public static double ToDouble(StoredI8 stored) => stored.Value;

    public static StoredI8 FromFloat(float value) => new() { Value = (sbyte)(int)value };

    public static StoredI8 FromDouble(double value) => new() { Value = (sbyte)(int)value };
}

/// <summary>An unsigned byte.</summary>
public struct StoredU8 : IStored<StoredU8>
{
    public byte Value;

    public static float ToFloat(StoredU8 stored) => stored.Value;

    public static double ToDouble(StoredU8 stored) => stored.Value;

    public static StoredU8 FromFloat(float value) => new() { Value = (byte)(int)value };

    public static StoredU8 FromDouble(double value) => new() { Value = (byte)(int)value };
}

/// <summary>A byte that is 0 or 1.</summary>
public struct StoredBool : IStored<StoredBool>
{
    public byte Value;

    public static float ToFloat(StoredBool stored) => stored.Value;

    public static double ToDouble(StoredBool stored) => stored.Value;

    public static StoredBool FromFloat(float value) => new() { Value = value != 0 ? (byte)1 : (byte)0 };

    public static StoredBool FromDouble(double value) => new() { Value = value != 0 ? (byte)1 : (byte)0 };
}
