using KernelTune.Kernels.Cpu;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Checkpoints;

/// <summary>
/// How the numbers of a weight lie in a file: blocks of <see cref="BlockElements"/> numbers in <see cref="BlockBytes"/> bytes, little-endian.
/// A scalar type is a block of one. One class a format; <see cref="WeightFormats"/> lists them.
/// </summary>
public abstract class WeightFormat : IBlockDecoder
{
    private protected WeightFormat(string name, DType? scalar, int blockElements, int blockBytes)
    {
        Name = name;
        Scalar = scalar;
        BlockElements = blockElements;
        BlockBytes = blockBytes;
    }

    /// <summary>safetensors' or ggml's name: "BF16", "Q4_1".</summary>
    public string Name { get; }

    /// <summary>The engine's type, where the format is one; null for blocks and for types that the engine has no name for.</summary>
    public DType? Scalar { get; }

    public int BlockElements { get; }

    public int BlockBytes { get; }

    /// <summary>True where <see cref="Decode"/> works: real numbers in a layout that is known here.</summary>
    public virtual bool CanDecode => false;

    /// <summary>True where <see cref="Encode"/> works.</summary>
    public virtual bool CanEncode => false;

    /// <summary>Bytes of <paramref name="elements"/> numbers; false where they are no whole number of blocks or the count overflows.</summary>
    public bool TryBytes(long elements, out long bytes)
    {
        var blocks = Math.DivRem(elements, BlockElements, out var rest);
        bytes = 0;
        if (rest != 0 || blocks > long.MaxValue / BlockBytes)
            return false;
        bytes = blocks * BlockBytes;
        return true;
    }

    /// <summary>The float32 values of whole blocks. <paramref name="into"/> has BlockElements for every BlockBytes of <paramref name="from"/>.</summary>
    public virtual void Decode(ReadOnlySpan<byte> from, Span<float> into) =>
        throw new NotSupportedException($"{Name} holds no real numbers that are known here");

    /// <summary>Quantises or rounds (to nearest, ties to even) whole blocks of float32.</summary>
    public virtual void Encode(ReadOnlySpan<float> from, Span<byte> into) =>
        throw new NotSupportedException($"{Name} cannot be written");

    public override string ToString() => Name;
}

/// <summary>A format whose size is known and whose numbers are not: it is carried, inspected and refused by name, never guessed at.</summary>
internal sealed class OpaqueFormat(string name, DType? scalar, int blockElements, int blockBytes)
    : WeightFormat(name, scalar, blockElements, blockBytes);
