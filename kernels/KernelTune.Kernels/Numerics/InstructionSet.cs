using System.Runtime.Intrinsics.X86;

namespace KernelTune.Kernels.Numerics;

/// <summary>Which instructions a kernel runs on. Every choice gives the same bits; they differ in speed alone.</summary>
public enum InstructionSet
{
    /// <summary>Vectors of four floats, whatever the machine makes of them.</summary>
    Portable,

    /// <summary>AVX2 with FMA3: eight floats.</summary>
    Avx2,

    /// <summary>AVX-512F: sixteen floats.</summary>
    Avx512,
}

/// <summary>Which instruction sets this machine has.</summary>
public static class InstructionSets
{
    /// <summary>The widest set that this machine has.</summary>
    // Vector512.IsHardwareAccelerated is false on many server chips that do have the instructions: ask the set itself.
    public static InstructionSet Best =>
        Avx512F.IsSupported ? InstructionSet.Avx512 :
        Avx2.IsSupported && Fma.IsSupported ? InstructionSet.Avx2 : InstructionSet.Portable;

    /// <summary>True when kernels for <paramref name="set"/> run on this machine.</summary>
    public static bool IsSupported(InstructionSet set) => set <= Best;
}
