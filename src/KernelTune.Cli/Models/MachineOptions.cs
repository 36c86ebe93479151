using System.CommandLine;
using KernelTune.Devices;
using KernelTune.Devices.Cpu;
using KernelTune.Devices.Gpu;
using KernelTune.Devices.Reference;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Cli.Models;

/// <summary>Where a command computes: <c>--device</c> and <c>--threads</c>.</summary>
internal sealed class MachineOptions
{
    public Option<string?> Device { get; } = new("--device") { Description = "auto, cpu, cuda[:n], opencl[:n], simulated or reference" };

    public Option<int?> Threads { get; } = new("--threads") { Description = "how many threads compute; default: what was measured to be worth it" };

    public void AddTo(Command command)
    {
        command.Options.Add(Device);
        command.Options.Add(Threads);
    }

    /// <summary>Opens the device that the command line names, else <paramref name="otherwise"/>.</summary>
    /// <exception cref="UsageException">No such device, or a number of threads that cannot be.</exception>
    /// <exception cref="DeviceException">A GPU that is not there: the message says why. Nothing else takes its place.</exception>
    public Device Open(ParseResult parsed, string otherwise = "auto", long? memoryLimit = null)
    {
        string name = parsed.GetValue(Device) ?? otherwise;
        int? threads = parsed.GetValue(Threads);
        if (threads is < 1 or > 1024) throw new UsageException($"--threads: found {threads}, wanted 1 to 1024");
        Device device = Named(name, threads);
        device.MemoryLimit = memoryLimit;
        return device;
    }

    /// <summary>The share of the machine in words.</summary>
    public static string Describe(Device device) => device switch
    {
        CpuDevice cpu => $"cpu, {cpu.Threads} thread{(cpu.Threads == 1 ? "" : "s")}, {cpu.Set}",
        GpuDevice gpu => $"{gpu.Name}, {gpu.Hardware}",
        _ => device.Name,
    };

    private static Device Named(string name, int? threads) => name switch
    {
        "auto" or "cpu" => new CpuDevice(threads ?? ThreadCount.WorthUsing()),
        "reference" => new ReferenceDevice(),
        _ when GpuDevices.Knows(name) => GpuDevices.Open(name),
        _ => throw new UsageException($"device {name}: unknown; wanted auto, cpu, cuda[:n], opencl[:n], simulated or reference"),
    };
}

/// <summary>How many threads a machine is worth.</summary>
internal static class ThreadCount
{
    /// <summary>Two logical processors may be one core: all of them are used only where they multiply measurably faster than half of them.</summary>
    public static int WorthUsing()
    {
        int all = Environment.ProcessorCount;
        if (all == 1) return 1;
        double whole = MeasuredPeaks.FlopsOf(all, InstructionSets.Best), half = MeasuredPeaks.FlopsOf(all / 2, InstructionSets.Best);
        return whole > 1.15 * half ? all : all / 2;
    }
}
