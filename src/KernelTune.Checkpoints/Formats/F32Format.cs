using System.Runtime.InteropServices;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Checkpoints;

/// <summary>IEEE 754 binary32: the bytes as they are.</summary>
internal sealed class F32Format() : WeightFormat("F32", DType.F32, 1, 4)
{
    public override bool CanDecode => true;

    public override bool CanEncode => true;

    public override void Decode(ReadOnlySpan<byte> from, Span<float> into) => from.CopyTo(MemoryMarshal.AsBytes(into));

    public override void Encode(ReadOnlySpan<float> from, Span<byte> into) => MemoryMarshal.AsBytes(from).CopyTo(into);
}

/// <summary>IEEE 754 binary64, rounded to float32 when read.</summary>
internal sealed class F64Format() : WeightFormat("F64", DType.F64, 1, 8)
{
    public override bool CanDecode => true;

    public override bool CanEncode => true;

    public override void Decode(ReadOnlySpan<byte> from, Span<float> into)
    {
        for (var i = 0; i < into.Length; i++)
            into[i] = (float)MemoryMarshal.Read<double>(from[(i * 8)..]);
    }

    public override void Encode(ReadOnlySpan<float> from, Span<byte> into)
    {
        for (var i = 0; i < from.Length; i++)
        {
            double value = from[i];
            MemoryMarshal.Write(into[(i * 8)..], in value);
        }
    }
}
