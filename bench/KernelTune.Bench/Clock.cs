using System.Runtime.InteropServices;

namespace KernelTune.Bench;

/// <summary>
/// Time for comparisons on a machine that others use too. One thread's work is timed by the processor time it got, which preemption
/// does not lengthen; several threads' by the wall clock, and there the best of interleaved runs says most.
/// </summary>
internal static partial class Clock
{
    private const int Monotonic = 1, ThreadProcessorTime = 3;

    public static double Seconds(int threads)
    {
        _ = Get(threads == 1 ? ThreadProcessorTime : Monotonic, out var time);
        return time.Seconds + time.Nanoseconds * 1e-9;
    }

    [LibraryImport("libc", EntryPoint = "clock_gettime")]
    private static partial int Get(int clock, out TimeSpec time);

    private struct TimeSpec
    {
        public long Seconds, Nanoseconds;
    }
}
