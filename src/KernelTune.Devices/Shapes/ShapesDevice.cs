using KernelTune.Devices.Calls;
using KernelTune.Devices.Memory;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Devices.Shapes;

/// <summary>
/// Another device without its numbers: the same table of kernels, packing, pools and threads, so that the same calls take the same blocks at the same
/// places of their segments, and nothing is computed. A prediction of memory is a step run here.
/// </summary>
/// <remarks>A call that has a kernel is booked with that kernel's workspace; any other is composed, and books its temporaries.</remarks>
public sealed class ShapesDevice : Device
{
    // Never dereferenced: far from each other, never 0, aligned to any device's blocks.
    private const long FirstAddress = 1L << 40;

    private readonly Device of;
    private long nextAddress = FirstAddress;

    /// <summary>Stands for a device.</summary>
    /// <param name="of">The device whose memory is to be foreseen; it is not used beyond its table and settings.</param>
    /// <param name="threads">The threads whose workspace is booked; null: those of <paramref name="of"/>.</param>
    public ShapesDevice(Device of, int? threads = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threads ?? 1, 1, nameof(threads));
        this.of = of;
        Table = of.Table;
        Threads = threads ?? of.Threads;
    }

    public override string Name => $"shapes of {of.Name}";

    public override DType Real => of.Real;

    public override int Threads { get; }

    public override bool Computes => false;

    public override bool Packs => of.Packs;

    protected internal override long SegmentBytes => of.SegmentBytes;

    protected internal override int Alignment => of.Alignment;

    protected internal override long PageBytes => of.PageBytes;

    /// <summary>Checks the operands; computes nothing.</summary>
    public override void Map<TOp, TParams>(in MapCall<TOp, TParams> call) => call.Check();

    /// <summary>Checks the sizes; the numbers are dropped.</summary>
    public override void Write<T>(in View destination, ReadOnlySpan<T> source)
    {
        HostMemoryDevice.CheckTransfer(destination, source.Length, "write");
        destination.Block.GuardWrite("write");
    }

    /// <summary>Always refuses.</summary>
    /// <exception cref="DeviceException">There are no numbers here.</exception>
    public override void Read<T>(in View source, Span<T> destination) =>
        throw new DeviceException(Name, $"read of {source}: this device foresees memory and holds no numbers");

    protected override void Execute<TCall>(IKernel<TCall> kernel, in TCall call, Block? workspace)
    {
    }

    protected override nint AllocateSegment(long bytes) =>
        (nint)(Interlocked.Add(ref nextAddress, (bytes + 0xFFFF) & ~0xFFFFL) - ((bytes + 0xFFFF) & ~0xFFFFL));

    protected override void FreeSegment(nint address)
    {
    }
}
