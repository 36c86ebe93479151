using System.Globalization;
using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.CPU;
using ILGPU.Runtime.Cuda;
using ILGPU.Runtime.OpenCL;
using KernelTune.Kernels.Gpu;

namespace KernelTune.Devices.Gpu;

/// <summary>An accelerator that was looked for.</summary>
/// <param name="Name">What <see cref="GpuDevices.Open"/> takes: "cuda", "cuda:1", "opencl", "simulated".</param>
/// <param name="Present">True where it can be opened.</param>
/// <param name="Why">What it is, or why it is missing.</param>
public sealed record FoundDevice(string Name, bool Present, string Why);

/// <summary>Finds and opens accelerators.</summary>
public static class GpuDevices
{
    // Threads of the simulated accelerator: one group of four. Each is a thread of the operating system, and barriers between more of them only wait longer.
    private const int SimulatedThreads = 4;

    /// <summary>True for the names of this library's devices, with or without a number.</summary>
    public static bool Knows(string name) => name.Split(':')[0] is "cuda" or "opencl" or "simulated";

    /// <summary>Opens a device, which the caller disposes.</summary>
    /// <param name="name">"cuda", "opencl" or "simulated"; ":1" after the first two means the second of them.</param>
    /// <exception cref="DeviceException">There is none of that name, and the message says why. Nothing else is opened in its place.</exception>
    public static GpuDevice Open(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        var (kind, index) = Parse(name);
        var context = NewContext(kind);
        try
        {
            var accelerator = kind switch
            {
                "simulated" => new CPUDevice(SimulatedThreads, 1, 1).CreateCPUAccelerator(context),
                "cuda" => Nth(context.GetCudaDevices(), index, name, DriverLibraries.WhyNoCuda).CreateAccelerator(context),
                _ => Nth(context.GetCLDevices(), index, name, DriverLibraries.WhyNoOpenCL).CreateAccelerator(context),
            };
            return new GpuDevice(name, context, accelerator);
        }
        catch (Exception e) when (e is AcceleratorException or NotSupportedException or CapabilityNotSupportedException)
        {
            context.Dispose();
            throw new DeviceException(name, $"opening it: {e.Message}", e);
        }
        catch (DeviceException)
        {
            context.Dispose();
            throw;
        }
    }

    /// <summary>Everything that was looked for: what is there, and why something is not.</summary>
    public static IReadOnlyList<FoundDevice> Find()
    {
        _ = DriverLibraries.Cuda;
        using var context = Context.Create(builder => builder.Cuda().OpenCL(_ => true));
        var found = new List<FoundDevice>();
        int index = 0;
        foreach (var cuda in context.GetCudaDevices())
            found.Add(new(Numbered("cuda", index++), true, $"{cuda.Name}, compute capability {cuda.Architecture}, {cuda.MemorySize >> 20:N0} MiB"));
        if (index == 0)
            found.Add(new("cuda", false, DriverLibraries.WhyNoCuda()));
        index = 0;
        foreach (var cl in context.GetCLDevices())
        {
            string? fault = FaultOf(cl);
            found.Add(new(Numbered("opencl", index++), fault is null, fault is null ? Describe(cl) : $"{Describe(cl)}: {fault}"));
        }
        if (index == 0)
            found.Add(new("opencl", false, DriverLibraries.WhyNoOpenCL()));
        found.Add(new("simulated", true, $"ILGPU's CPU accelerator, {SimulatedThreads} threads: for tests, very slow"));
        return found;
    }

    private static (string Kind, int Index) Parse(string name)
    {
        string[] parts = name.Split(':');
        int index = 0;
        bool numbered = parts.Length == 2 && parts[0] != "simulated" && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out index);
        if (!Knows(name) || (parts.Length > 1 && !numbered))
            throw new DeviceException(name, "there is no such device: cuda, cuda:<n>, opencl, opencl:<n> or simulated wanted");
        return (parts[0], index);
    }

    private static Context NewContext(string kind)
    {
        _ = DriverLibraries.Cuda;
        var context = Context.Create(builder =>
        {
            // Every OpenCL device is listed, so that one that is too old is named and not passed over.
            if (kind == "cuda")
                builder.Cuda();
            else if (kind == "opencl")
                builder.OpenCL(_ => true);
        });
        GpuIntrinsics.Register(context);
        return context;
    }

    private static ILGPU.Runtime.Device Nth<TDevice>(Context.DeviceCollection<TDevice> devices, int index, string name, Func<string> missing)
        where TDevice : ILGPU.Runtime.Device
    {
        var all = new List<ILGPU.Runtime.Device>();
        foreach (var device in devices)
            all.Add(device);
        if (all.Count == 0)
            throw new DeviceException(name, missing());
        if (index >= all.Count)
            throw new DeviceException(name, $"there are {all.Count} such devices, numbered from 0");
        if (all[index] is CLDevice cl && FaultOf(cl) is { } fault)
            throw new DeviceException(name, $"{Describe(cl)}: {fault}");
        return all[index];
    }

    private static string Numbered(string kind, int index) => index == 0 ? kind : string.Create(CultureInfo.InvariantCulture, $"{kind}:{index}");

    private static string Describe(CLDevice device) => $"{device.Name}, OpenCL {device.PlatformVersion}, {device.MemorySize >> 20:N0} MiB";

    private static string? FaultOf(CLDevice device)
    {
        if (!device.Capabilities.GenericAddressSpace)
            return "it has no generic address space, which OpenCL 2.0 or an optional feature of 3.0 gives (PoCL has it from version 5 on)";
        return device.Capabilities.Float64 ? null : "it has no doubles, in which norms are summed and formulas' parameters come";
    }
}
