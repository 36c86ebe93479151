using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace KernelTune.Checkpoints;

/// <summary>ggml's Q4_0: 32 numbers d·(q − 8). 18 bytes: d (F16), 16 bytes with number i in the low and i + 16 in the high nibble.</summary>
internal sealed class Q4_0Format() : WeightFormat("Q4_0", null, Block32.Elements, 18)
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
            var codes = Vector128.LoadUnsafe(ref block, 2);
            Block32.Centred(codes & Vector128.Create((byte)15), 8, d, ref target);
            Block32.Centred(codes >> 4, 8, d, ref Unsafe.Add(ref target, 16));
            block = ref Unsafe.Add(ref block, 18);
            target = ref Unsafe.Add(ref target, 32);
        }
    }

    public override void Encode(ReadOnlySpan<float> from, Span<byte> into)
    {
        for (; from.Length >= 32; from = from[32..], into = into[18..])
        {
            var d = Block32.Extreme(from[..32]) / -8f;
            double inverse = d == 0 ? 0 : 1f / d;
            for (var i = 0; i < 16; i++)
                into[2 + i] = (byte)(Code(from[i], inverse) | (Code(from[i + 16], inverse) << 4));
            Block32.WriteHalf(into, 0, d);
        }
    }

    // In double precision, as the gguf package does it: the reference's own rounding depends on whether a compiler fused it.
    private static int Code(float x, double inverse) => Math.Clamp((int)((x * inverse) + 8.5), 0, 15);
}
