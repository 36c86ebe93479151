using System.Runtime.InteropServices;
using ILGPU;
using ILGPU.Runtime;

namespace KernelTune.Devices.Gpu;

/// <summary>
/// Bytes on their way to an OpenCL device: the driver reads them some time after the call that queues the copy, so they are kept, pinned, until the queue has been
/// waited for. Beyond a bound the writer waits.
/// </summary>
internal sealed class Staging(AcceleratorStream stream)
{
    private const long MostBytes = 64L << 20;

    private readonly Lock gate = new();
    private List<byte[]> kept = [];
    private long bytes;

    /// <summary>Queues a copy of <paramref name="source"/>.</summary>
    public void Send(ArrayView<byte> destination, ReadOnlySpan<byte> source)
    {
        if (source.Length > MostBytes)
        {
            destination.CopyFromCPU(stream, source);
            return;
        }
        byte[] copy = GC.AllocateUninitializedArray<byte>(source.Length, pinned: true);
        source.CopyTo(copy);
        lock (gate)
        {
            // Queued under the lock: whoever takes the list and then waits has waited for every copy in it.
            destination.CopyFromCPUUnsafeAsync(stream, ref MemoryMarshal.GetArrayDataReference(copy), copy.Length);
            kept.Add(copy);
            bytes += copy.Length;
            if (bytes <= MostBytes)
                return;
            stream.Synchronize();
            kept = [];
            bytes = 0;
        }
    }

    /// <summary>What has been queued so far: once the queue has been waited for, the caller may let go of it.</summary>
    public object Take()
    {
        lock (gate)
        {
            var taken = kept;
            kept = [];
            bytes = 0;
            return taken;
        }
    }
}
