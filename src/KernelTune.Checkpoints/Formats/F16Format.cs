using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Checkpoints;

/// <summary>IEEE 754 binary16.</summary>
internal sealed class F16Format() : WeightFormat("F16", DType.F16, 1, 2)
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
            Expand(Vector256.WidenLower(halves)).StoreUnsafe(ref target, (nuint)i);
            Expand(Vector256.WidenUpper(halves)).StoreUnsafe(ref target, (nuint)i + 8);
        }

        for (; i < into.Length; i++)
            into[i] = (float)Unsafe.ReadUnaligned<Half>(ref Unsafe.Add(ref source, i * 2));
    }

    public override void Encode(ReadOnlySpan<float> from, Span<byte> into)
    {
        ref var target = ref MemoryMarshal.GetReference(into);
        for (var i = 0; i < from.Length; i++)
            Unsafe.WriteUnaligned(ref Unsafe.Add(ref target, i * 2), (Half)from[i]);
    }

    /// <summary>
    /// Exponent and fraction moved to float32's places, then times 2^112, the difference of the biases: exact, subnormals included. Only
    /// infinity and NaN need their exponent set by hand.
    /// </summary>
    private static Vector256<float> Expand(Vector256<uint> half)
    {
        var magnitude = (half & Vector256.Create(0x7FFFu)) << 13;
        var scaled = (magnitude.AsSingle() * Vector256.Create(BitConverter.UInt32BitsToSingle((127u + 112u) << 23))).AsUInt32();
        var special = Vector256.GreaterThanOrEqual(magnitude, Vector256.Create(0x7C00u << 13));
        var sign = (half & Vector256.Create(0x8000u)) << 16;
        return (Vector256.ConditionalSelect(special, magnitude | Vector256.Create(0x7F800000u), scaled) | sign).AsSingle();
    }
}
