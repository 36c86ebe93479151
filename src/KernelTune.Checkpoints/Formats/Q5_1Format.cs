using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace KernelTune.Checkpoints;

/// <summary>ggml's Q5_1: 32 numbers d·q + m. 24 bytes: d, m (F16), the 32 fifth bits, 16 bytes of nibbles as in Q4_0.</summary>
internal sealed class Q5_1Format() : WeightFormat("Q5_1", null, Block32.Elements, 24)
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
            var high = Unsafe.ReadUnaligned<uint>(ref Unsafe.Add(ref block, 4));
            var codes = Vector128.LoadUnsafe(ref block, 8);
            Block32.Affine((codes & Vector128.Create((byte)15)) | Block32.FifthBits(high & 0xFFFF), d, m, ref target);
            Block32.Affine((codes >> 4) | Block32.FifthBits(high >> 16), d, m, ref Unsafe.Add(ref target, 16));
            block = ref Unsafe.Add(ref block, 24);
            target = ref Unsafe.Add(ref target, 32);
        }
    }

    public override void Encode(ReadOnlySpan<float> from, Span<byte> into)
    {
        for (; from.Length >= 32; from = from[32..], into = into[24..])
        {
            var (min, max) = Block32.Range(from[..32]);
            var d = (max - min) / 31f;
            var inverse = d == 0 ? 0 : 1f / d;
            uint fifth = 0;
            for (var i = 0; i < 16; i++)
            {
                int low = Code(from[i], min, inverse), high = Code(from[i + 16], min, inverse);
                into[8 + i] = (byte)((low & 15) | ((high & 15) << 4));
                fifth |= ((uint)low >> 4 << i) | ((uint)high >> 4 << (i + 16));
            }

            Block32.WriteHalf(into, 0, d);
            Block32.WriteHalf(into, 2, min);
            MemoryMarshal.Write(into[4..], in fifth);
        }
    }

    private static int Code(float x, float min, float inverse)
    {
        var scaled = (x - min) * inverse;
        return Math.Clamp((int)(scaled + 0.5f), 0, 31);
    }
}
