using System.Globalization;

namespace KernelTune.Training.Runs;

/// <summary>Resident memory of this process, as Linux counts it; elsewhere the working set.</summary>
public static class ProcessMemory
{
    /// <summary>Bytes resident now.</summary>
    public static long Resident => Read("VmRSS:") ?? Environment.WorkingSet;

    /// <summary>The most bytes that were ever resident.</summary>
    public static long PeakResident => Read("VmHWM:") ?? Environment.WorkingSet;

    /// <summary>Gives what loading has left on the managed heap back to the system, before the first step takes its memory. Takes some milliseconds.</summary>
    public static void ReturnGarbage() => GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);

    /// <summary>Bytes that this process may still take: what the system says is available, within a container's limit.</summary>
    public static long Available => Math.Min(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes, Read("MemAvailable:", "/proc/meminfo") ?? long.MaxValue);

    private static long? Read(string key, string status = "/proc/self/status")
    {
        if (!File.Exists(status))
            return null;
        string? line = File.ReadLines(status).FirstOrDefault(l => l.StartsWith(key, StringComparison.Ordinal));
        string? kilobytes = line?[key.Length..].Trim().Split(' ')[0];
        return long.TryParse(kilobytes, NumberStyles.None, CultureInfo.InvariantCulture, out long value) ? value * 1024 : null;
    }
}
