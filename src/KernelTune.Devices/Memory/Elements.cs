using System.Runtime.CompilerServices;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Devices.Memory;

/// <summary>Single elements of host-addressable memory, converted to and from double. For plain loops and for host-side transfers; never hot.</summary>
internal static unsafe class Elements
{
    /// <summary>The element at <paramref name="index"/> elements from <paramref name="address"/>.</summary>
    public static double Load(nint address, DType type, long index) => type switch
    {
        DType.F64 => ((double*)address)[index],
        DType.F32 => ((float*)address)[index],
        DType.F16 => (double)((Half*)address)[index],
        DType.BF16 => BitConverter.UInt32BitsToSingle((uint)((ushort*)address)[index] << 16),
        DType.I64 => ((long*)address)[index],
        DType.I32 => ((int*)address)[index],
        DType.I8 => ((sbyte*)address)[index],
        DType.U8 or DType.Bool => ((byte*)address)[index],
        _ => throw new NotSupportedException($"elements of type {type}"),
    };

    /// <summary>Stores a number, rounded to nearest even for floating types and towards zero for integers.</summary>
    public static void Store(nint address, DType type, long index, double value)
    {
        switch (type)
        {
            case DType.F64: ((double*)address)[index] = value; break;
            case DType.F32: ((float*)address)[index] = (float)value; break;
            case DType.F16: ((Half*)address)[index] = (Half)value; break;
            case DType.BF16: ((ushort*)address)[index] = RoundToBFloat16((float)value); break;
            case DType.I64: ((long*)address)[index] = (long)value; break;
            case DType.I32: ((int*)address)[index] = (int)value; break;
            case DType.I8: ((sbyte*)address)[index] = (sbyte)value; break;
            case DType.U8: ((byte*)address)[index] = (byte)value; break;
            case DType.Bool: ((byte*)address)[index] = value != 0 ? (byte)1 : (byte)0; break;
            default: throw new NotSupportedException($"elements of type {type}");
        }
    }

    /// <summary>The DType of a host number, where there is one.</summary>
    public static DType TypeOf<T>()
        where T : unmanaged
    {
        if (typeof(T) == typeof(double)) return DType.F64;
        if (typeof(T) == typeof(float)) return DType.F32;
        if (typeof(T) == typeof(Half)) return DType.F16;
        if (typeof(T) == typeof(ushort)) return DType.BF16;
        if (typeof(T) == typeof(long)) return DType.I64;
        if (typeof(T) == typeof(int)) return DType.I32;
        if (typeof(T) == typeof(sbyte)) return DType.I8;
        if (typeof(T) == typeof(byte)) return DType.U8;
        if (typeof(T) == typeof(bool)) return DType.Bool;
        throw new NotSupportedException($"host numbers of type {typeof(T).Name}");
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ushort RoundToBFloat16(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        if (float.IsNaN(value))
            return (ushort)((bits >> 16) | 0x40);
        return (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }
}
