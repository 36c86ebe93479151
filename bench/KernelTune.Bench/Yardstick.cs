using System.Diagnostics;
using KernelTune.Kernels.Cpu;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Bench;

/// <summary>Times one thing between two measurements of the FMA peak, as often as asked.</summary>
internal sealed class Yardstick(WorkerPool pool, int pairs)
{
    private readonly InstructionSet set = InstructionSets.Best;

    public Samples Share { get; private set; } = new();

    public Samples Seconds { get; private set; } = new();

    /// <summary>The opponent's time over ours.</summary>
    public Samples Ratio { get; private set; } = new();

    /// <summary>Fills the samples. <paramref name="flops"/>: of one <paramref name="ours"/>.</summary>
    public void Measure(double flops, Action ours, Action? theirs = null)
    {
        (Share, Seconds, Ratio) = (new(), new(), new());
        // Calls enough, and time enough, for the compiler's last tier.
        for (var i = 0; i < 2; i++)
        {
            var begin = Stopwatch.GetTimestamp();
            for (var n = 0; n < 40 && Stopwatch.GetElapsedTime(begin).TotalSeconds < 0.5; n++)
                ours();
            Thread.Sleep(120);
        }
        var repeats = (int)Math.Clamp(2e8 / flops, 1, 2000);
        for (var i = 0; i < (flops > 2e10 ? Math.Max(3, pairs / 4) : pairs); i++)
        {
            var peak = Peak();
            var time = Time(repeats, ours);
            peak = Math.Max(peak, Peak());
            Share.Add(flops / time / peak);
            Seconds.Add(time);
            if (theirs is not null)
                Ratio.Add(Time(repeats, theirs) / time);
        }
    }

    private double Peak()
    {
        if (pool.Workers > 1)
            return MachinePeak.Flops(pool, pool.Workers, set, 1);
        // One thread: by its processor time, like what is measured.
        var before = Clock.Seconds(1);
        var wall = Stopwatch.GetTimestamp();
        var rate = MachinePeak.Flops(pool, 1, set, 1);
        return rate * Stopwatch.GetElapsedTime(wall).TotalSeconds / (Clock.Seconds(1) - before);
    }

    private double Time(int repeats, Action action)
    {
        var before = Clock.Seconds(pool.Workers);
        for (var i = 0; i < repeats; i++)
            action();
        return (Clock.Seconds(pool.Workers) - before) / repeats;
    }
}
