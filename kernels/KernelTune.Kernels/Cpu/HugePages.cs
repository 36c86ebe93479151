using System.Runtime.InteropServices;

namespace KernelTune.Kernels.Cpu;

/// <summary>
/// Host memory in pages of 2 MiB where Linux gives them on request: weights are then read at the memory's speed, not at that of the processor's address cache (a fp32 token of SmolLM2 takes two thirds of the time).
/// </summary>
public static unsafe partial class HugePages
{
    private const int Bytes = 2 << 20, Line = 64, AdviseHugePages = 14;

    /// <summary>What becomes resident at once.</summary>
    public static long Granularity { get; } = IsGiven() ? Bytes : 1;

    /// <summary>Memory of a segment.</summary>
    /// <exception cref="OutOfMemoryException">There is none.</exception>
    public static nint Allocate(long bytes)
    {
        if (Granularity == 1 || bytes < Bytes)
            return (nint)NativeMemory.AlignedAlloc((nuint)bytes, Line);
        void* memory = NativeMemory.AlignedAlloc((nuint)bytes, Bytes);
        // Where the kernel has none left, pages are small ones.
        _ = Advise(memory, (nuint)bytes, AdviseHugePages);
        return (nint)memory;
    }

    /// <summary>Gives it back.</summary>
    public static void Free(nint address) => NativeMemory.AlignedFree((void*)address);

    private static bool IsGiven()
    {
        const string setting = "/sys/kernel/mm/transparent_hugepage/enabled";
        return OperatingSystem.IsLinux() && File.Exists(setting) && !File.ReadAllText(setting).Contains("[never]", StringComparison.Ordinal);
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(void* address, nuint bytes, int advice);
}
