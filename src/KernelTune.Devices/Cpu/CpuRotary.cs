using KernelTune.Devices.Calls;
using KernelTune.Kernels.Cpu;
using KernelTune.Kernels.Lanes;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Devices.Cpu;

/// <summary>Rotary positions, one pass.</summary>
internal sealed unsafe class CpuRotary(CpuContext cpu) : LaneKernel<RotaryCall>(cpu)
{
    public override bool Suits(in RotaryCall call) => Suits(call.X) && Suits(call.Y) && Suits(call.Cos) && Suits(call.Sin);

    protected override void Run<V>(in RotaryCall call, nint workspace)
    {
        var loop = new Loop<V> { Call = call };
        var shape = call.X.Shape;
        loop.AtOnce = Math.Max(1, 8192 / Math.Max(1, shape[2] * shape[3]));
        loop.Positions = shape[0] * shape[1];
        Cpu.Pool.Run((loop.Positions + loop.AtOnce - 1) / loop.AtOnce, ref loop);
    }

    private static bool Suits(in View view) => view.Type == DType.F32 && view.IsRowDense;

    private struct Loop<V> : IParallelBody
        where V : struct, IRowLane<V>
    {
        public RotaryCall Call;
        public int AtOnce, Positions;

        public readonly void Execute(int item, int worker)
        {
            var (x, cos, sin, y) = (Call.X, Call.Cos, Call.Sin, Call.Y);
            var shape = x.Shape;
            for (int i = item * AtOnce; i < Math.Min((item + 1) * AtOnce, Positions); i++)
            {
                (int b, int t) = Math.DivRem(i, shape[1]);
                Rotary.Apply<V>(At(x, b, t), x.Stride(2), At(y, b, t), y.Stride(2), shape[2], shape[3], At(cos, b, t), At(sin, b, t), cos.Shape[^1],
                    Call.Interleaved, Call.Inverse);
            }
        }

        private static float* At(in View view, int b, int t) => (float*)view.Address + (b * view.Stride(0)) + (t * view.Stride(1));
    }
}
