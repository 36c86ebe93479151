using KernelTune.Devices.Calls;
using KernelTune.Devices.Memory;
using KernelTune.Kernels.Cpu;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Devices.Cpu;

/// <summary>Uniform numbers from Philox: each a function of its place alone, so any cut gives the same.</summary>
internal sealed unsafe class CpuRandom(CpuContext cpu) : CpuKernel<RandomCall>(cpu)
{
    private const long Grain = 16384;

    public override void Run(in RandomCall call, nint workspace)
    {
        var y = call.Y;
        if (!y.IsDense || y.Type != DType.F32)
            throw new ShapeException(RandomCall.Name, $"{y} must be dense F32");
        var loop = new Loop { Y = (float*)y.Address, Count = y.Elements, Place = call.Place, Set = Cpu.Set };
        Cpu.Pool.Run(checked((int)((y.Elements + Grain - 1) / Grain)), ref loop);
    }

    private struct Loop : IParallelBody
    {
        public float* Y;
        public long Count;
        public RandomPlace Place;
        public InstructionSet Set;

        public readonly void Execute(int item, int worker) => RandomRows.Uniform(Set, Y, item * Grain, Math.Min((item + 1) * Grain, Count), Place);
    }
}

/// <summary>Inverted dropout in one pass over x.</summary>
internal sealed unsafe class CpuDropout(CpuContext cpu) : CpuKernel<DropoutCall>(cpu)
{
    private const long Grain = 16384;

    public override bool Suits(in DropoutCall call) => call.X.IsDense && call.Y.IsDense && call.X.Type == DType.F32 && call.Y.Type == DType.F32;

    public override void Run(in DropoutCall call, nint workspace)
    {
        if (call.X.Shape != call.Y.Shape)
            throw new ShapeException(DropoutCall.Name, $"{call.X.Shape} to {call.Y.Shape}");
        var loop = new Loop { X = (float*)call.X.Address, Y = (float*)call.Y.Address, Count = call.X.Elements, Place = call.Place, P = call.P, Set = Cpu.Set };
        Cpu.Pool.Run(checked((int)((loop.Count + Grain - 1) / Grain)), ref loop);
    }

    private struct Loop : IParallelBody
    {
        public float* X, Y;
        public long Count;
        public RandomPlace Place;
        public double P;
        public InstructionSet Set;

        public readonly void Execute(int item, int worker) =>
            RandomRows.Dropout(Set, X, Y, item * Grain, Math.Min((item + 1) * Grain, Count), Place, P);
    }
}

/// <summary>Cosines and sines of rotary angles, in fp64.</summary>
internal sealed class CpuRotaryTable(CpuContext cpu) : CpuKernel<RotaryTableCall>(cpu)
{
    public override void Run(in RotaryTableCall call, nint workspace)
    {
        var loop = new Loop { Call = call };
        Cpu.Pool.Run((call.Cos.Shape[0] + Loop.RowsAtOnce - 1) / Loop.RowsAtOnce, ref loop);
    }

    private struct Loop : IParallelBody
    {
        public const int RowsAtOnce = 16;
        public RotaryTableCall Call;

        public readonly void Execute(int item, int worker)
        {
            var (positions, frequencies, cos, sin) = (Call.Positions, Call.Frequencies, Call.Cos, Call.Sin);
            for (int i = item * RowsAtOnce; i < Math.Min((item + 1) * RowsAtOnce, cos.Shape[0]); i++)
            {
                double position = Elements.Load(positions.Address, positions.Type, i * positions.Stride(0));
                for (int j = 0; j < cos.Shape[1]; j++)
                {
                    var (s, c) = Math.SinCos(position * Elements.Load(frequencies.Address, frequencies.Type, j * frequencies.Stride(0)));
                    Elements.Store(cos.Address, cos.Type, (i * cos.Stride(0)) + (j * cos.Stride(1)), Call.Scaling * c);
                    Elements.Store(sin.Address, sin.Type, (i * sin.Stride(0)) + (j * sin.Stride(1)), Call.Scaling * s);
                }
            }
        }
    }
}
