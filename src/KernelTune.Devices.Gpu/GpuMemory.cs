using ILGPU;
using ILGPU.Runtime;

namespace KernelTune.Devices.Gpu;

/// <summary>
/// The segments of one accelerator's memory. OpenCL buffers have no addresses that a host could count with, so every segment gets a range of its own, 2^40 bytes
/// wide: a block's address names the segment and the place in it, on every accelerator alike, and is never a pointer.
/// </summary>
internal sealed class GpuMemory(Accelerator accelerator) : IDisposable
{
    private const int RangeBits = 40;

    private readonly Lock gate = new();
    private MemoryBuffer?[] segments = [];

    /// <summary>A segment of that many bytes, by its first address.</summary>
    /// <exception cref="AcceleratorException">The driver has no more.</exception>
    public nint Allocate(long bytes)
    {
        var buffer = accelerator.AllocateRaw(bytes, 1);
        lock (gate)
        {
            segments = [.. segments, buffer];
            return (nint)((long)segments.Length << RangeBits);
        }
    }

    public void Free(nint address)
    {
        int index = (int)((long)address >> RangeBits) - 1;
        MemoryBuffer? buffer;
        lock (gate)
            (buffer, segments[index]) = (segments[index], null);
        buffer?.Dispose();
    }

    /// <summary>Bytes [address, address + bytes) as elements. The address is a multiple of their size.</summary>
    public ArrayView<T> At<T>(nint address, long bytes)
        where T : unmanaged
    {
        if (bytes == 0 || address == 0)
            return ArrayView<T>.Empty;
        var buffer = segments[((long)address >> RangeBits) - 1] ?? throw new ObjectDisposedException(nameof(GpuMemory));
        long size = Interop.SizeOf<T>();
        return new ArrayView<T>(buffer, ((long)address & ((1L << RangeBits) - 1)) / size, bytes / size);
    }

    /// <summary>The whole block that a view lies in: the view's offset and strides index it.</summary>
    public ArrayView<T> Of<T>(in View view)
        where T : unmanaged => view.Exists ? At<T>(view.Block.Address, view.Block.Bytes) : ArrayView<T>.Empty;

    public void Dispose()
    {
        lock (gate)
        {
            foreach (var buffer in segments)
                buffer?.Dispose();
            segments = [];
        }
    }
}
