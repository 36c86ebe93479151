using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Checkpoints;

/// <summary>bfloat16: the upper half of a float32, rounded to nearest, ties to even; a NaN stays one and becomes quiet.</summary>
internal sealed class BF16Format() : WeightFormat("BF16", DType.BF16, 1, 2)
{
    public override bool CanDecode => true;

    public override bool CanEncode => true;

    public override void Decode(ReadOnlySpan<byte> from, Span<float> into)
    {
        ref var source = ref MemoryMarshal.GetReference(from);
        ref var target = ref MemoryMarshal.GetReference(into);
        var i = 0;
        for (; i + 16 <= into.Length; i += 16)
        {
            var halves = Vector256.LoadUnsafe(ref source, (nuint)i * 2).AsUInt16();
            (Vector256.WidenLower(halves) << 16).AsSingle().StoreUnsafe(ref target, (nuint)i);
            (Vector256.WidenUpper(halves) << 16).AsSingle().StoreUnsafe(ref target, (nuint)i + 8);
        }

        for (; i < into.Length; i++)
            into[i] = BitConverter.UInt32BitsToSingle((uint)Unsafe.ReadUnaligned<ushort>(ref Unsafe.Add(ref source, i * 2)) << 16);
    }

    public override void Encode(ReadOnlySpan<float> from, Span<byte> into)
    {
        ref var source = ref MemoryMarshal.GetReference(from);
        ref var target = ref MemoryMarshal.GetReference(into);
        var i = 0;
        for (; i + 16 <= from.Length; i += 16)
        {
            var low = Round(Vector256.LoadUnsafe(ref source, (nuint)i));
            var high = Round(Vector256.LoadUnsafe(ref source, (nuint)i + 8));
            Vector256.Narrow(low, high).AsByte().StoreUnsafe(ref target, (nuint)i * 2);
        }

        for (; i < from.Length; i++)
            Unsafe.WriteUnaligned(ref Unsafe.Add(ref target, i * 2), Round(from[i]));
    }

    private static ushort Round(float value)
    {
        var bits = BitConverter.SingleToUInt32Bits(value);
        if (float.IsNaN(value))
            return (ushort)((bits >> 16) | 0x40);
        return (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }

    private static Vector256<uint> Round(Vector256<float> value)
    {
        var bits = value.AsUInt32();
        var upper = bits >> 16;
        var rounded = (bits + Vector256.Create(0x7FFFu) + (upper & Vector256<uint>.One)) >> 16;
        return Vector256.ConditionalSelect(Vector256.Equals(value, value).AsUInt32(), rounded, upper | Vector256.Create(0x40u));
    }
}
