namespace KernelTune.Training.Recipes;

/// <summary>How the frozen weights of the base are kept in memory.</summary>
/// <param name="Type">The storage.</param>
/// <param name="IsDouble">4 bits: whether the blocks' magnitudes are quantised again (QLoRA's double quantisation).</param>
/// <param name="BlockSize">4 bits: numbers that share a magnitude, a power of two from 32 to 4096.</param>
public sealed record QuantizationSettings(BaseStorageKind Type, bool IsDouble = false, int BlockSize = 64);

/// <summary>What a base is kept as.</summary>
public enum BaseStorageKind
{
    /// <summary>bitsandbytes' NF4: linear layers but the head.</summary>
    Nf4,

    /// <summary>bitsandbytes' FP4: linear layers but the head.</summary>
    Fp4,

    /// <summary>16 bits: every matrix.</summary>
    BFloat16,

    /// <summary>16 bits: every matrix.</summary>
    Float16,

    /// <summary>As the file has it: GGUF's blocks, 16 bits as 16 bits.</summary>
    File,
}
