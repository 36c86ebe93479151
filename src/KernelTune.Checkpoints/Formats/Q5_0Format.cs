using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace KernelTune.Checkpoints;

/// <summary>ggml's Q5_0: 32 numbers d·(q − 16). 22 bytes: d (F16), the 32 fifth bits, 16 bytes of nibbles as in Q4_0.</summary>
internal sealed class Q5_0Format() : WeightFormat("Q5_0", null, Block32.Elements, 22)
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
            var high = Unsafe.ReadUnaligned<uint>(ref Unsafe.Add(ref block, 2));
            var codes = Vector128.LoadUnsafe(ref block, 6);
            Block32.Centred((codes & Vector128.Create((byte)15)) | Block32.FifthBits(high & 0xFFFF), 16, d, ref target);
            Block32.Centred((codes >> 4) | Block32.FifthBits(high >> 16), 16, d, ref Unsafe.Add(ref target, 16));
            block = ref Unsafe.Add(ref block, 22);
            target = ref Unsafe.Add(ref target, 32);
        }
    }

    public override void Encode(ReadOnlySpan<float> from, Span<byte> into)
    {
        for (; from.Length >= 32; from = from[32..], into = into[22..])
        {
            var d = Block32.Extreme(from[..32]) / -16f;
            double inverse = d == 0 ? 0 : 1f / d;
            uint fifth = 0;
            for (var i = 0; i < 16; i++)
            {
                int low = Code(from[i], inverse), high = Code(from[i + 16], inverse);
                into[6 + i] = (byte)((low & 15) | ((high & 15) << 4));
                fifth |= ((uint)low >> 4 << i) | ((uint)high >> 4 << (i + 16));
            }

            Block32.WriteHalf(into, 0, d);
            MemoryMarshal.Write(into[2..], in fifth);
        }
    }

    private static int Code(float x, double inverse) => Math.Clamp((int)((x * inverse) + 16.5), 0, 31);
}
