using System.Collections.Concurrent;
using ILGPU;
using ILGPU.Runtime;
using KernelTune.Kernels.Gpu;

namespace KernelTune.Devices.Gpu;

/// <summary>Compiles kernels the first time they are asked for, and launches them on the device's one stream.</summary>
internal sealed class GpuLauncher(string device, Accelerator accelerator, AcceleratorStream stream, int groupSize, int mostGroups)
{
    // Delegates are rooted here: ILGPU's own cache holds them weakly.
    private readonly ConcurrentDictionary<Type, Delegate> kernels = new();
    private readonly Lock compiling = new();

    // OpenCL sets a kernel's arguments and queues it in two steps: threads take turns.
    private readonly Lock launching = new();

    /// <summary>Threads of a group of a kernel that has no shape of its own: a power of two.</summary>
    public int GroupSize => groupSize;

    /// <summary>Runs a kernel whose threads share a range of elements.</summary>
    public void Walk<TKernel, TArgs>(in TArgs args, long elements)
        where TKernel : struct, IGpuKernel<TArgs>
        where TArgs : struct =>
        Groups<TKernel, TArgs>(args, (elements + groupSize - 1) / groupSize, groupSize);

    /// <summary>Runs a kernel whose groups share a range of rows.</summary>
    public void Rows<TKernel, TArgs>(in TArgs args, long rows)
        where TKernel : struct, IGpuKernel<TArgs>
        where TArgs : struct => Groups<TKernel, TArgs>(args, rows, groupSize);

    /// <summary>Runs a kernel of exactly so many groups.</summary>
    public void Exactly<TKernel, TArgs>(in TArgs args, long groups, int size)
        where TKernel : struct, IGpuKernel<TArgs>
        where TArgs : struct
    {
        if (groups > int.MaxValue)
            throw new DeviceException(device, $"{typeof(TKernel).Name}: {groups:N0} groups, at most {int.MaxValue:N0} can be launched");
        Launch<TKernel, TArgs>(args, (int)groups, size);
    }

    private void Groups<TKernel, TArgs>(in TArgs args, long groups, int size)
        where TKernel : struct, IGpuKernel<TArgs>
        where TArgs : struct => Launch<TKernel, TArgs>(args, (int)Math.Min(groups, mostGroups), size);

    private void Launch<TKernel, TArgs>(in TArgs args, int groups, int size)
        where TKernel : struct, IGpuKernel<TArgs>
        where TArgs : struct
    {
        if (groups == 0)
            return;
        var launch = (Action<AcceleratorStream, KernelConfig, TArgs>)(kernels.TryGetValue(typeof(TKernel), out var known) ? known : Compile<TKernel, TArgs>(size));
        try
        {
            lock (launching)
                launch(stream, new KernelConfig(groups, size), args);
        }
        catch (AcceleratorException e)
        {
            throw new DeviceException(device, $"launching {NameOf(typeof(TKernel))}: {e.Message}", e);
        }
    }

    private Action<AcceleratorStream, KernelConfig, TArgs> Compile<TKernel, TArgs>(int size)
        where TKernel : struct, IGpuKernel<TArgs>
        where TArgs : struct
    {
        lock (compiling)
        {
            if (kernels.TryGetValue(typeof(TKernel), out var known))
                return (Action<AcceleratorStream, KernelConfig, TArgs>)known;
            try
            {
                var launch = accelerator.LoadKernel<TArgs>(TKernel.Run, new KernelSpecialization(size, null));
                kernels[typeof(TKernel)] = launch;
                return launch;
            }
            catch (Exception e) when (e is AcceleratorException or InternalCompilerException or CapabilityNotSupportedException or NotSupportedException)
            {
                throw new DeviceException(device, $"compiling {NameOf(typeof(TKernel))}: {(e.InnerException ?? e).Message}", e);
            }
        }
    }

    // "MapKernel<G32, Unary<Silu, None>, None>".
    private static string NameOf(Type type)
    {
        string name = type.Name.Split('`')[0];
        return type.IsGenericType ? $"{name}<{string.Join(", ", type.GetGenericArguments().Select(NameOf))}>" : name;
    }
}
