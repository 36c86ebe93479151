using ILGPU;
using KernelTune.Devices.Memory;
using KernelTune.Kernels.Gpu;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Devices.Gpu;

/// <summary>What the kernels of one GPU device share.</summary>
/// <param name="Name">The device's name, for errors.</param>
/// <param name="Memory">Its segments.</param>
/// <param name="Launcher">Compiles and launches.</param>
/// <param name="Faults">Words that kernels report bad operands in.</param>
/// <param name="IsSimulated">True on ILGPU's CPU accelerator, where groups are small.</param>
internal sealed record GpuContext(string Name, GpuMemory Memory, GpuLauncher Launcher, ArrayView<int> Faults, bool IsSimulated)
{
    private int mayHaveFaults;

    /// <summary>A kernel was queued that may report a fault: the next read looks.</summary>
    public void ExpectFaults() => Volatile.Write(ref mayHaveFaults, 1);

    /// <summary>True where faults may stand; asked once. What another thread expects meanwhile stays expected.</summary>
    public bool TakeExpectation() => Interlocked.Exchange(ref mayHaveFaults, 0) != 0;

    /// <summary>The block that a view lies in, as elements of T.</summary>
    public ArrayView<T> Of<T>(in View view)
        where T : unmanaged => Memory.Of<T>(view);

    /// <summary>A call over a type that has no kernel.</summary>
    public DeviceException Unsupported(string call, string what) => new(Name, $"{call} of {what} has no kernel here");
}

/// <summary>A kernel of a GPU device: it queues launches and waits for nothing.</summary>
internal abstract class GpuCallKernel<TCall>(GpuContext gpu) : IKernel<TCall>
    where TCall : struct, ICall
{
    protected GpuContext Gpu => gpu;

    protected GpuLauncher Launcher => gpu.Launcher;

    public virtual bool Suits(in TCall call) => true;

    public virtual long Workspace(in TCall call, int threads) => 0;

    public abstract void Run(in TCall call, nint workspace);
}

/// <summary>What is done with the storage type of a DType.</summary>
internal interface IStoredVisitor
{
    void Visit<T>()
        where T : unmanaged, IStored<T>;
}

/// <summary>From types of elements, known when a call runs, to types that kernels are closed over.</summary>
internal static class StoredTypes
{
    /// <summary>Calls the visitor with the storage type; false for a type that no kernel stores.</summary>
    public static bool Visit<TVisitor>(DType type, ref TVisitor visitor)
        where TVisitor : struct, IStoredVisitor
    {
        switch (type)
        {
            case DType.F64: visitor.Visit<StoredF64>(); return true;
            case DType.F32: visitor.Visit<StoredF32>(); return true;
            case DType.BF16: visitor.Visit<StoredBF16>(); return true;
            case DType.F16: visitor.Visit<StoredF16>(); return true;
            case DType.I64: visitor.Visit<StoredI64>(); return true;
            case DType.I32: visitor.Visit<StoredI32>(); return true;
            case DType.I8: visitor.Visit<StoredI8>(); return true;
            case DType.U8: visitor.Visit<StoredU8>(); return true;
            case DType.Bool: visitor.Visit<StoredBool>(); return true;
            default: return false;
        }
    }

    /// <summary>True for the types that a float does not hold exactly.</summary>
    public static bool IsWide(this DType type) => type is DType.F64 or DType.I64 or DType.I32;
}
