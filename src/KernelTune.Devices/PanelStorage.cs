using KernelTune.Kernels.Cpu;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Devices;

/// <summary>How the numbers of a frozen weight lie in memory. The one thing a product asks is to decode a panel while it packs; sums are fp32 whatever the storage.</summary>
public abstract class PanelStorage
{
    private protected PanelStorage(string name) => Name = name;

    /// <summary>"f32", "bf16", "nf4", "Q4_K" …</summary>
    public string Name { get; }

    /// <summary>fp32 panels.</summary>
    public static PanelStorage Float32 { get; } = new FloatStorage();

    /// <summary>True where it is fewer than 16 bits a number.</summary>
    public virtual bool IsQuantized => false;

    /// <summary>Bytes of an [N, K] weight; null: this storage cannot hold one of that shape, and fp32 panels take its place.</summary>
    public abstract long? BytesFor(int rows, int columns);

    /// <summary>What the numbers become by being stored, on devices that keep weights dense. <paramref name="numbers"/> is the whole weight.</summary>
    public abstract void Round(Span<float> numbers);

    private sealed class FloatStorage() : PanelStorage("f32")
    {
        public override long? BytesFor(int rows, int columns) => PackedMatrix.BytesFor(rows, columns);

        public override void Round(Span<float> numbers)
        {
        }
    }
}

/// <summary>16 bits a number, in panels.</summary>
/// <param name="type">BF16 or F16.</param>
public sealed class HalfStorage(DType type) : PanelStorage(type == DType.BF16 ? "bf16" : "f16")
{
    public DType Type { get; } = type;

    public override long? BytesFor(int rows, int columns) => PackedMatrix.BytesFor(rows, columns) / 2;

    public override void Round(Span<float> numbers)
    {
        unsafe
        {
            fixed (float* p = numbers)
                HalfPrecision.Round(p, numbers.Length, Type);
        }
    }
}

/// <summary>4-bit codes with a magnitude a block (QLoRA: Dettmers et al., 2023): bitsandbytes' NF4 or FP4.</summary>
/// <param name="type">The table.</param>
/// <param name="blockSize">Numbers that share a magnitude.</param>
/// <param name="isDouble">Whether magnitudes are quantised again before they are used.</param>
/// <param name="codesOf">The type that a weight which comes in this form was quantised from: its numbers are rounded to that, and not quantised again. Null: the weight is quantised at load, in fp32.</param>
public sealed class FourBitStorage(FourBitType type, int blockSize, bool isDouble, DType? codesOf = null) : PanelStorage(type == FourBitType.Nf4 ? "nf4" : "fp4")
{
    // The levels stand in front of the codes.
    internal const int LevelBytes = 64;

    public FourBitType Type { get; } = type;

    public int BlockSize { get; } = blockSize;

    public bool IsDouble { get; } = isDouble;

    /// <summary>The type of the numbers that the codes stand for.</summary>
    public DType Original => codesOf ?? DType.F32;

    public override bool IsQuantized => true;

    public override long? BytesFor(int rows, int columns)
    {
        int group = FourBitPanels.GroupOf(columns, BlockSize);
        return group < FourBitPanels.LeastGroup ? null : LevelBytes + FourBitPanels.BytesFor(rows, columns, group);
    }

    public override void Round(Span<float> numbers)
    {
        if (codesOf is null)
            FourBitWeight.Quantize(Type, numbers, [numbers.Length], BlockSize, IsDouble).Dequantize(0, numbers);
    }
}

/// <summary>The blocks of the file itself (GGUF's formats), row by row.</summary>
/// <param name="name">The format's name.</param>
/// <param name="decoder">Decodes it.</param>
public sealed class BlockStorage(string name, IBlockDecoder decoder) : PanelStorage(name)
{
    public IBlockDecoder Decoder { get; } = decoder;

    public override bool IsQuantized => true;

    public override long? BytesFor(int rows, int columns) => columns % Decoder.BlockElements == 0 ? (long)rows * (columns / Decoder.BlockElements) * Decoder.BlockBytes : null;

    /// <summary>Nothing: the numbers came out of the blocks.</summary>
    public override void Round(Span<float> numbers)
    {
    }
}
