using KernelTune.Devices.Calls;
using KernelTune.Kernels.Cpu;
using KernelTune.Kernels.Lanes;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Devices.Cpu;

/// <summary>
/// The CPU: fp32 over vectors of the chosen instruction set and one pool of threads. The same call gives the same bits for every number of threads and
/// every instruction set.
/// </summary>
public sealed class CpuDevice : HostMemoryDevice
{
    private readonly CpuContext cpu;

    /// <summary>Starts the pool.</summary>
    /// <param name="threads">How many threads work on a call, the caller included.</param>
    /// <param name="set">The instructions to use; null: the widest that this machine has.</param>
    /// <exception cref="DeviceException">This machine has not those instructions.</exception>
    public CpuDevice(int threads, InstructionSet? set = null)
    {
        var chosen = set ?? InstructionSets.Best;
        if (!InstructionSets.IsSupported(chosen))
            throw new DeviceException("cpu", $"the instruction set {chosen} was asked for; this machine has {InstructionSets.Best} at most");
        cpu = new CpuContext(new WorkerPool(threads), chosen);
        CpuKernels.Register(Table, cpu);
    }

    public override string Name => "cpu";

    public override DType Real => DType.F32;

    public override int Threads => cpu.Pool.Workers;

    public override bool Packs => true;

    /// <summary>The instructions that kernels use.</summary>
    public InstructionSet Set => cpu.Set;

    public override void Map<TOp, TParams>(in MapCall<TOp, TParams> call)
    {
        call.Check();
        switch (call.X.Type)
        {
            case DType.F64:
                CpuMap.Run<F64, F64, TOp, TParams>(cpu.Pool, call);
                break;
            case not DType.F32:
                throw new DeviceException(Name, $"the formula {typeof(TOp).Name} over {call.X.Type}: formulas run over F32 and F64");
            default:
                switch (cpu.Set)
                {
                    case InstructionSet.Avx512: CpuMap.Run<F32x16, F32, TOp, TParams>(cpu.Pool, call); break;
                    case InstructionSet.Avx2: CpuMap.Run<F32x8, F32, TOp, TParams>(cpu.Pool, call); break;
                    default: CpuMap.Run<F32x4, F32, TOp, TParams>(cpu.Pool, call); break;
                }
                break;
        }
    }

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        cpu.Pool.Dispose();
    }
}
