using System.Runtime.CompilerServices;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Kernels.Cpu;

/// <summary>Rows of elements from one spacing, or type, to another. Steps count elements; 0 repeats one element of the source.</summary>
public static unsafe class StridedCopy
{
    /// <summary>Writes the low <paramref name="size"/> bytes of <paramref name="bits"/> into each element.</summary>
    public static void Fill(byte* to, long step, long count, int size, ulong bits)
    {
        switch (size)
        {
            case 1: Fill(to, step, count, (byte)bits); break;
            case 2: Fill((ushort*)to, step, count, (ushort)bits); break;
            case 4: Fill((uint*)to, step, count, (uint)bits); break;
            default: Fill((ulong*)to, step, count, bits); break;
        }
    }

    /// <summary>to[i·toStep] = from[i·fromStep], elements of <paramref name="size"/> bytes.</summary>
    public static void Copy(byte* from, long fromStep, byte* to, long toStep, long count, int size)
    {
        if (fromStep == 1 && toStep == 1)
        {
            Buffer.MemoryCopy(from, to, count * size, count * size);
            return;
        }
        switch (size)
        {
            case 1: Copy(from, fromStep, to, toStep, count); break;
            case 2: Copy((ushort*)from, fromStep, (ushort*)to, toStep, count); break;
            case 4: Copy((uint*)from, fromStep, (uint*)to, toStep, count); break;
            default: Copy((ulong*)from, fromStep, (ulong*)to, toStep, count); break;
        }
    }

    /// <summary>The conversions that happen often; false for any other, and then nothing is done.</summary>
    public static bool TryConvert(byte* from, DType fromType, long fromStep, byte* to, DType toType, long toStep, long count)
    {
        bool dense = fromStep == 1 && toStep == 1;
        switch (fromType, toType)
        {
            case (DType.BF16, DType.F32) when dense: HalfPrecision.FromBFloat16((ushort*)from, (float*)to, (nint)count); return true;
            case (DType.F32, DType.BF16) when dense: HalfPrecision.ToBFloat16((float*)from, (ushort*)to, (nint)count); return true;
            case (DType.F16, DType.F32) when dense: HalfPrecision.FromHalf((ushort*)from, (float*)to, (nint)count); return true;
            case (DType.F32, DType.F16) when dense: HalfPrecision.ToHalf((float*)from, (ushort*)to, (nint)count); return true;
            case (DType.F64, DType.F32):
                for (long i = 0; i < count; i++)
                    ((float*)to)[i * toStep] = (float)((double*)from)[i * fromStep];
                return true;
            case (DType.F32, DType.F64):
                for (long i = 0; i < count; i++)
                    ((double*)to)[i * toStep] = ((float*)from)[i * fromStep];
                return true;
            case (DType.I64, DType.F32):
                for (long i = 0; i < count; i++)
                    ((float*)to)[i * toStep] = ((long*)from)[i * fromStep];
                return true;
            default:
                return false;
        }
    }

    private static void Fill<T>(T* to, long step, long count, T value)
        where T : unmanaged
    {
        if (step == 1)
        {
            for (; count > int.MaxValue; count -= int.MaxValue, to += int.MaxValue)
                new Span<T>(to, int.MaxValue).Fill(value);
            new Span<T>(to, (int)count).Fill(value);
            return;
        }
        for (long i = 0; i < count; i++)
            to[i * step] = value;
    }

    private static void Copy<T>(T* from, long fromStep, T* to, long toStep, long count)
        where T : unmanaged
    {
        if (fromStep == 0 && count > 0)
        {
            Fill(to, toStep, count, *from);
            return;
        }
        for (long i = 0; i < count; i++, from += fromStep, to += toStep)
            *to = *from;
    }
}
