using System.Numerics;
using System.Runtime.InteropServices;
using ILGPU;
using ILGPU.Runtime;
using KernelTune.Devices.Calls;
using KernelTune.Devices.Memory;
using KernelTune.Kernels.Cpu;
using KernelTune.Kernels.Gpu;
using KernelTune.Kernels.Lanes;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Devices.Gpu;

/// <summary>
/// An ILGPU accelerator: CUDA, OpenCL, or ILGPU's CPU accelerator ("simulated"). fp32; primitive calls are kernels, the others are composed. Launches are
/// queued on one stream of the device's own and ordered by it; only <see cref="Read{T}"/> waits. Opened by <see cref="GpuDevices.Open"/>.
/// </summary>
public sealed class GpuDevice : Device
{
    private readonly Context context;
    private readonly Accelerator accelerator;
    private readonly AcceleratorStream stream;
    private readonly MemoryBuffer faultWords;
    private readonly GpuMemory memory;
    private readonly Staging staging;
    private readonly GpuContext gpu;

    internal GpuDevice(string name, Context context, Accelerator accelerator)
    {
        Name = name;
        this.context = context;
        this.accelerator = accelerator;
        stream = accelerator.CreateStream();
        IsSynchronous = accelerator.AcceleratorType == AcceleratorType.CPU;
        memory = new GpuMemory(accelerator);
        staging = new Staging(stream);
        int groupSize = 1 << BitOperations.Log2((uint)Math.Min(GpuKernelList.GroupSize, accelerator.MaxNumThreadsPerGroup));
        int mostGroups = IsSynchronous ? 1 : 1 << 16;
        faultWords = accelerator.AllocateRaw(Fault.Words, sizeof(int));
        var faults = faultWords.AsArrayView<int>(0, Fault.Words);
        gpu = new GpuContext(name, memory, new GpuLauncher(name, accelerator, stream, groupSize, mostGroups), faults, IsSynchronous);
        ClearFaults();
        GpuKernels.Register(Table, gpu);
    }

    public override string Name { get; }

    public override DType Real => DType.F32;

    public override int Threads => 1;

    public override bool IsSynchronous { get; }

    /// <summary>What the driver calls the hardware.</summary>
    public string Hardware => accelerator.Name;

    protected internal override int Alignment => 256;

    public override void Map<TOp, TParams>(in MapCall<TOp, TParams> call)
    {
        call.Check();
        switch (call.X.Type)
        {
            case DType.F32: GpuMap.Run<G32, TOp, TParams>(gpu, call); break;
            case DType.F64: GpuMap.Run<F64, TOp, TParams>(gpu, call); break;
            default: throw new DeviceException(Name, $"the formula {typeof(TOp).Name} over {call.X.Type}: formulas run over F32 and F64");
        }
    }

    public override unsafe void Write<T>(in View destination, ReadOnlySpan<T> source)
    {
        HostMemoryDevice.CheckTransfer(destination, source.Length, "write");
        destination.Block.GuardWrite("write");
        if (source.IsEmpty)
            return;
        var type = Elements.TypeOf<T>();
        if (type == destination.Type)
        {
            Send(destination, MemoryMarshal.AsBytes(source));
            return;
        }
        var converted = new byte[destination.Bytes];
        fixed (T* from = source)
        fixed (byte* to = converted)
        {
            if (!StridedCopy.TryConvert((byte*)from, type, 1, to, destination.Type, 1, source.Length))
            {
                for (int i = 0; i < source.Length; i++)
                    Elements.Store((nint)to, destination.Type, i, Elements.Load((nint)from, type, i));
            }
        }
        Send(destination, converted);
    }

    /// <summary>Waits for the calls before it and copies a dense view to the host.</summary>
    /// <exception cref="ShapeException">A call before it met an id outside its table.</exception>
    /// <exception cref="DeviceException">The driver failed; its words are in the message.</exception>
    public override unsafe void Read<T>(in View source, Span<T> destination)
    {
        HostMemoryDevice.CheckTransfer(source, destination.Length, "read");
        if (destination.IsEmpty)
            return;
        var type = Elements.TypeOf<T>();
        if (type == source.Type)
        {
            Receive(source, MemoryMarshal.AsBytes(destination));
        }
        else
        {
            var stored = new byte[source.Bytes];
            Receive(source, stored);
            fixed (byte* from = stored)
            fixed (T* to = destination)
            {
                for (int i = 0; i < destination.Length; i++)
                    Elements.Store((nint)to, type, i, Elements.Load((nint)from, source.Type, i));
            }
        }
        if (gpu.TakeExpectation())
            CheckFaults();
    }

    protected override nint AllocateSegment(long bytes)
    {
        try
        {
            return memory.Allocate(bytes);
        }
        catch (Exception e) when (e is AcceleratorException or OutOfMemoryException)
        {
            throw new DeviceMemoryException(Name, bytes, Ledger.Current, null, e.Message);
        }
    }

    protected override void FreeSegment(nint address) => memory.Free(address);

    protected override void Dispose(bool disposing)
    {
        try
        {
            stream.Synchronize();
        }
        catch (AcceleratorException)
        {
            // A device that is lost says so at every read; here it must not hide what its user throws already.
        }
        base.Dispose(disposing);
        memory.Dispose();
        faultWords.Dispose();
        stream.Dispose();
        accelerator.Dispose();
        context.Dispose();
    }

    private unsafe void Send(in View destination, ReadOnlySpan<byte> bytes)
    {
        var to = memory.At<byte>(destination.Address, bytes.Length);
        try
        {
            // CUDA's driver has read pageable memory when the call returns, and the simulated accelerator has copied it; OpenCL's reads it later.
            if (accelerator.AcceleratorType == AcceleratorType.OpenCL)
            {
                staging.Send(to, bytes);
                return;
            }
            fixed (byte* from = bytes)
                to.CopyFromCPUUnsafeAsync(stream, ref *from, bytes.Length);
        }
        catch (AcceleratorException e)
        {
            throw new DeviceException(Name, $"writing {destination}: {e.Message}", e);
        }
    }

    private void Receive(in View source, Span<byte> bytes)
    {
        try
        {
            object sent = staging.Take();
            memory.At<byte>(source.Address, bytes.Length).CopyToCPU(stream, bytes);
            GC.KeepAlive(sent);
        }
        catch (AcceleratorException e)
        {
            throw new DeviceException(Name, $"reading {source}: {e.Message}", e);
        }
    }

    private void ClearFaults() => gpu.Faults.CopyFromCPU(stream, new int[Fault.Words]);

    private void CheckFaults()
    {
        var words = new int[Fault.Words];
        gpu.Faults.CopyToCPU(stream, words);
        if (words[0] == 0)
            return;
        ClearFaults();
        long id = (uint)words[2] | ((long)words[3] << 32);
        throw new ShapeException(words[0] == Fault.Gather ? GatherCall.Name : ScatterAddCall.Name, $"id {id} at position {words[1]} is outside the table's {words[4]} rows");
    }
}
