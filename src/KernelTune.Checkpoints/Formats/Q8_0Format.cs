using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace KernelTune.Checkpoints;

/// <summary>ggml's Q8_0: 32 numbers d·q. 34 bytes: d (F16), 32 signed bytes.</summary>
internal sealed class Q8_0Format() : WeightFormat("Q8_0", null, Block32.Elements, 34)
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
            var codes = Vector256.LoadUnsafe(ref block, 2).AsSByte();
            Expand(Vector256.WidenLower(codes), d, ref target);
            Expand(Vector256.WidenUpper(codes), d, ref Unsafe.Add(ref target, 16));
            block = ref Unsafe.Add(ref block, 34);
            target = ref Unsafe.Add(ref target, 32);
        }
    }

    public override void Encode(ReadOnlySpan<float> from, Span<byte> into)
    {
        for (; from.Length >= 32; from = from[32..], into = into[34..])
        {
            var d = Math.Abs(Block32.Extreme(from[..32])) / 127f;
            var inverse = d == 0 ? 0 : 1f / d;
            for (var i = 0; i < 32; i++)
                into[2 + i] = (byte)(sbyte)MathF.Round(from[i] * inverse, MidpointRounding.AwayFromZero);
            Block32.WriteHalf(into, 0, d);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Expand(Vector256<short> codes, Vector256<float> scale, ref float into)
    {
        (Vector256.ConvertToSingle(Vector256.WidenLower(codes)) * scale).StoreUnsafe(ref into);
        (Vector256.ConvertToSingle(Vector256.WidenUpper(codes)) * scale).StoreUnsafe(ref into, 8);
    }
}
