namespace KernelTune.Devices;

/// <summary>An operation was given shapes that do not fit together. The message names the operation and the shapes.</summary>
public sealed class ShapeException(string operation, string message) : ArgumentException($"[{operation}] {message}")
{
    /// <summary>The operation that refused, such as "rms_norm".</summary>
    public string Operation { get; } = operation;
}

/// <summary>A device could not do what it was asked. The message names the device, the call and the reason.</summary>
public class DeviceException(string device, string message, Exception? cause = null) : InvalidOperationException($"[{device}] {message}", cause)
{
    /// <summary>The device's name, such as "cpu".</summary>
    public string Device { get; } = device;
}

/// <summary>An allocation failed or passed the memory limit. The driver's words, where it gave any, end the message.</summary>
public sealed class DeviceMemoryException(string device, long requested, long inUse, long? limit, string? reason = null)
    : DeviceException(device, limit is { } l
        ? $"allocating {requested:N0} bytes passes the limit of {l:N0}: {inUse:N0} are in use"
        : $"allocating {requested:N0} bytes failed: {inUse:N0} are in use{(reason is null ? "" : $"; {reason}")}")
{
    /// <summary>Bytes that were asked for.</summary>
    public long Requested { get; } = requested;

    /// <summary>Bytes that were in use.</summary>
    public long InUse { get; } = inUse;
}
