using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace KernelTune.Checkpoints;

/// <summary>ggml's Q4_1: 32 numbers d·q + m. 20 bytes: d, m (F16), 16 bytes with number i in the low and i + 16 in the high nibble.</summary>
internal sealed class Q4_1Format() : WeightFormat("Q4_1", null, Block32.Elements, 20)
{
    public override bool CanDecode => true;

    public override bool CanEncode => true;

    public override void Decode(ReadOnlySpan<byte> from, Span<float> into)
    {
        ref var block = ref MemoryMarshal.GetReference(from);
        ref var target = ref MemoryMarshal.GetReference(into);
        for (var n = into.Length / 32; n > 0; n--)
        {
            var d = Vector256.Create(Block32.Half(ref block, 0));
            var m = Vector256.Create(Block32.Half(ref block, 2));
            var codes = Vector128.LoadUnsafe(ref block, 4);
            Block32.Affine(codes & Vector128.Create((byte)15), d, m, ref target);
            Block32.Affine(codes >> 4, d, m, ref Unsafe.Add(ref target, 16));
            block = ref Unsafe.Add(ref block, 20);
            target = ref Unsafe.Add(ref target, 32);
        }
    }

    public override void Encode(ReadOnlySpan<float> from, Span<byte> into)
    {
        for (; from.Length >= 32; from = from[32..], into = into[20..])
        {
            var (min, max) = Block32.Range(from[..32]);
            var d = (max - min) / 15f;
            var inverse = d == 0 ? 0 : 1f / d;
            for (var i = 0; i < 16; i++)
                into[4 + i] = (byte)(Code(from[i], min, inverse) | (Code(from[i + 16], min, inverse) << 4));
            Block32.WriteHalf(into, 0, d);
            Block32.WriteHalf(into, 2, min);
        }
    }

    private static int Code(float x, float min, float inverse)
    {
        var scaled = (x - min) * inverse;
        return Math.Clamp((int)(scaled + 0.5f), 0, 15);
    }
}
