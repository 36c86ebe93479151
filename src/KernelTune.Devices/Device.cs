using KernelTune.Devices.Calls;
using KernelTune.Devices.Memory;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Devices;

/// <summary>
/// Where bytes live and how calls run. A device owns memory (two pools and a ledger), a table of kernels, and runs calls: a call for which the
/// table holds a kernel runs that kernel; any other runs its composition out of simpler calls. Shared and thread-safe.
/// </summary>
public abstract class Device : IDisposable
{
    private long blocks;
    private Pool? lasting;
    private Pool? passing;

    /// <summary>"reference", "cpu", "shapes of cpu" …</summary>
    public abstract string Name { get; }

    /// <summary>The type in which this device keeps and computes real numbers: F64 on the reference device, F32 elsewhere.</summary>
    public abstract DType Real { get; }

    /// <summary>The most threads that a call uses.</summary>
    public abstract int Threads { get; }

    /// <summary>False on <c>Shapes</c>: nothing is computed and nothing can be read.</summary>
    public virtual bool Computes => true;

    /// <summary>True where frozen [N, K] weights are kept as packed panels (<see cref="PackedMatrix"/>).</summary>
    public virtual bool Packs => false;

    /// <summary>True where a call has finished when it returns.</summary>
    public virtual bool IsSynchronous => true;

    /// <summary>The account of this device's memory.</summary>
    public Ledger Ledger { get; } = new();

    /// <summary>Bytes beyond which an allocation is refused; null: none.</summary>
    public long? MemoryLimit { get; set; }

    /// <summary>Receives every call that runs, for profiles; null: nobody.</summary>
    public ICallObserver? CallObserver { get; set; }

    /// <summary>Bytes of this device's segments that can be resident (what was handed out at most, with the gaps between).</summary>
    public long Touched => Lasting.Touched + Passing.Touched;

    /// <summary>Bytes handed out, rounded up to the pool's alignment: what a test compares before and after.</summary>
    public long Outstanding => Lasting.Outstanding + Passing.Outstanding;

    /// <summary>The kernels of this device, by the type of the call.</summary>
    public KernelTable Table { get; protected init; } = new();

    private Pool Lasting => lasting ?? Interlocked.CompareExchange(ref lasting, NewPool(SegmentBytes / 4), null) ?? lasting;

    private Pool Passing => passing ?? Interlocked.CompareExchange(ref passing, NewPool(SegmentBytes), null) ?? passing;

    /// <summary>The least size of a segment for a step's blocks. Untouched parts of a segment are not resident.</summary>
    protected internal virtual long SegmentBytes => 64L << 20;

    /// <summary>The piece in which a segment's memory becomes resident; 1 where that is not known.</summary>
    protected internal virtual long PageBytes => 1;

    /// <summary>Blocks begin at multiples of this many bytes.</summary>
    protected internal virtual int Alignment => 64;

    /// <summary>A block of uninitialised memory.</summary>
    /// <exception cref="DeviceMemoryException">No memory, or the limit is passed.</exception>
    public Block Allocate(long bytes, Category category, string owner = "", Phase phase = Phase.Load, string call = "")
    {
        if (MemoryLimit is { } limit && Ledger.Current + bytes > limit)
            throw new DeviceMemoryException(Name, bytes, Ledger.Current, limit);
        var pool = category.IsLasting() ? Lasting : Passing;
        var chunk = pool.Take(bytes) ?? throw new DeviceMemoryException(Name, bytes, Ledger.Current, null);
        var block = new Block(this, pool, chunk, bytes, Interlocked.Increment(ref blocks), category, owner);
        Ledger.Book(new LedgerEvent(block.Number, bytes, category, owner, phase, call));
        return block;
    }

    /// <summary>An uninitialised dense tensor in a block of its own, whose one reference the caller holds.</summary>
    public View Allocate(Shape shape, DType type, Category category, string owner = "", Phase phase = Phase.Load, string call = "") =>
        new(Allocate(shape.Elements * type.Size(), category, owner, phase, call), type, shape);

    internal void Return(Block block)
    {
        block.Pool.Give(block.Chunk);
        Ledger.Book(new LedgerEvent(block.Number, -block.Bytes, block.Category, block.Owner, default, ""));
    }

    /// <summary>Runs a call: by this device's kernel for it, or else by its composition.</summary>
    public virtual void Run<TCall>(in TCall call)
        where TCall : struct, ICall
    {
        CallObserver?.Begin(this, call);
        if (Table.Find<TCall>() is { } kernel && kernel.Suits(call))
        {
            long bytes = kernel.Workspace(call, Threads);
            if (bytes > 0)
            {
                var workspace = Allocate(bytes, Category.Workspace, call: TCall.Name);
                try
                {
                    Execute(kernel, call, workspace);
                }
                finally
                {
                    workspace.Release();
                }
            }
            else
            {
                Execute(kernel, call, null);
            }
        }
        else
        {
            call.Compose(this);
        }
        CallObserver?.End(this, call);
    }

    /// <summary>Runs an elementwise formula: the primitive that every device has.</summary>
    public abstract void Map<TOp, TParams>(in MapCall<TOp, TParams> call)
        where TOp : struct, KernelTune.Kernels.Elementwise.IElementwise<TParams>
        where TParams : struct;

    /// <summary>Copies host numbers into a dense view; their type is converted to the view's.</summary>
    public abstract void Write<T>(in View destination, ReadOnlySpan<T> source)
        where T : unmanaged;

    /// <summary>Waits for the calls before it and copies a dense view to the host.</summary>
    public abstract void Read<T>(in View source, Span<T> destination)
        where T : unmanaged;

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Bytes of the device's own memory; 0 when there is none, or a <see cref="DeviceMemoryException"/> with the driver's words.</summary>
    protected abstract nint AllocateSegment(long bytes);

    protected abstract void FreeSegment(nint address);

    protected virtual void Execute<TCall>(IKernel<TCall> kernel, in TCall call, Block? workspace)
        where TCall : struct, ICall => kernel.Run(call, workspace?.Address ?? 0);

    protected virtual void Dispose(bool disposing)
    {
        lasting?.Clear();
        passing?.Clear();
    }

    private Pool NewPool(long bytes) => new(AllocateSegment, FreeSegment, bytes, Alignment, PageBytes);
}
