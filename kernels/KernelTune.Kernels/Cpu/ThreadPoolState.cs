using System.Runtime.InteropServices;

namespace KernelTune.Kernels.Cpu;

/// <summary>The words that a pool's threads share, each on cache lines of its own so that they do not slow each other.</summary>
[StructLayout(LayoutKind.Explicit, Size = 512)]
internal struct ThreadPoolState
{
    /// <summary>
    /// The state of the current loop: its number × 2^32, plus <see cref="Open"/> while workers may still join it, plus how many have
    /// joined and not yet left.
    /// </summary>
    [FieldOffset(128)] public long Loop;

    /// <summary>The next item to hand out.</summary>
    [FieldOffset(256)] public int Next;

    /// <summary>1 while a loop runs: a second caller, or a loop inside a loop, then runs on its own thread.</summary>
    [FieldOffset(384)] public int Busy;

    public const long Open = 1L << 31;
    public const long OneLoop = 1L << 32;
    public const long CountMask = Open - 1;
}
