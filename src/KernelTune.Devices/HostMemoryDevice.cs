using KernelTune.Devices.Memory;
using KernelTune.Kernels.Cpu;

namespace KernelTune.Devices;

/// <summary>A device whose memory the host can address: reading and writing are copies, with conversion where the types differ.</summary>
public abstract unsafe class HostMemoryDevice : Device
{
    public override void Write<T>(in View destination, ReadOnlySpan<T> source)
    {
        CheckTransfer(destination, source.Length, "write");
        destination.Block.GuardWrite("write");
        var type = Elements.TypeOf<T>();
        if (type == destination.Type)
        {
            source.CopyTo(new Span<T>((void*)destination.Address, source.Length));
            return;
        }
        fixed (T* p = source)
        {
            if (StridedCopy.TryConvert((byte*)p, type, 1, (byte*)destination.Address, destination.Type, 1, source.Length))
                return;
            for (int i = 0; i < source.Length; i++)
                Elements.Store(destination.Address, destination.Type, i, Elements.Load((nint)p, type, i));
        }
    }

    public override void Read<T>(in View source, Span<T> destination)
    {
        CheckTransfer(source, destination.Length, "read");
        var type = Elements.TypeOf<T>();
        if (type == source.Type)
        {
            new ReadOnlySpan<T>((void*)source.Address, destination.Length).CopyTo(destination);
            return;
        }
        fixed (T* p = destination)
        {
            for (int i = 0; i < destination.Length; i++)
                Elements.Store((nint)p, type, i, Elements.Load(source.Address, source.Type, i));
        }
    }

    protected internal override long PageBytes => HugePages.Granularity;

    protected override nint AllocateSegment(long bytes)
    {
        try
        {
            return HugePages.Allocate(bytes);
        }
        catch (OutOfMemoryException)
        {
            return 0;
        }
    }

    protected override void FreeSegment(nint address) => HugePages.Free(address);

    internal static void CheckTransfer(in View view, int length, string verb)
    {
        if (!view.IsDense || view.Elements != length)
            throw new ShapeException(verb, $"{view} against {length} host elements");
    }
}
