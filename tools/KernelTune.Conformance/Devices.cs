using KernelTune.Devices;
using KernelTune.Devices.Cpu;
using KernelTune.Devices.Gpu;
using KernelTune.Devices.Reference;

namespace KernelTune.Conformance;

/// <summary>The devices that cases can be run on, by the name that the command line gives them.</summary>
public static class DeviceChoice
{
    /// <summary>A device of that name, which the caller disposes; null: there is none of that name.</summary>
    /// <exception cref="DeviceException">A GPU that is not there.</exception>
    public static Device? Create(string name) => name switch
    {
        "reference" => new ReferenceDevice(),
        "cpu" => new CpuDevice(Environment.ProcessorCount),
        _ when GpuDevices.Knows(name) => GpuDevices.Open(name),
        _ => null,
    };
}
