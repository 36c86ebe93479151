using KernelTune.Devices.Calls;
using KernelTune.Kernels.Cpu;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Devices.Cpu;

/// <summary>
/// Rows in order, a row a thread. A number and its place make one unsigned integer that sorts as the pair does, so that the order is stable and nothing is compared
/// by a delegate.
/// </summary>
internal sealed unsafe class CpuSort(CpuContext cpu) : CpuKernel<SortCall>(cpu)
{
    public override long Workspace(in SortCall call, int threads) => call.X.Elements == 0 ? 0 : (long)threads * call.X.Shape[^1] * sizeof(ulong);

    public override void Run(in SortCall call, nint workspace)
    {
        SortCall.Check(call.X, call.Values, call.Index);
        if (call.X.Type != DType.F32)
            throw new ShapeException(SortCall.Name, $"{call.X}: F32 wanted");
        if (call.X.Elements == 0)
            return;
        var (x, values, index) = (call.X.Select(-1, 0), call.Values.Select(-1, 0), call.Index.Select(-1, 0));
        var loop = new Loop
        {
            Plan = RowPlan.Of([values, index, x], 1),
            X = (float*)x.Address,
            Values = (float*)values.Address,
            Index = (long*)index.Address,
            Keys = (ulong*)workspace,
            Length = call.X.Shape[^1],
            StepX = call.X.Stride(-1),
            StepValues = call.Values.Stride(-1),
            StepIndex = call.Index.Stride(-1),
            Flip = call.Descending ? uint.MaxValue : 0,
        };
        Cpu.Pool.Run(loop.Plan.Items, ref loop);
    }

    private struct Loop : IParallelBody
    {
        public RowPlan Plan;
        public float* X, Values;
        public long* Index;
        public ulong* Keys;
        public int Length;
        public long StepX, StepValues, StepIndex;
        public uint Flip;

        public readonly void Execute(int item, int worker)
        {
            Plan.Piece(item, out long first, out long last, out long from, out long to);
            for (long row = first; row < last; row++)
            {
                for (long i = from; i < to; i++)
                {
                    One(X + Plan.Offset(2, row) + (i * Plan.Step(2)), Values + Plan.Offset(0, row) + (i * Plan.Step(0)), Index + Plan.Offset(1, row) + (i * Plan.Step(1)),
                        new Span<ulong>(Keys + ((long)worker * Length), Length));
                }
            }
        }

        private readonly void One(float* x, float* values, long* index, Span<ulong> keys)
        {
            for (int i = 0; i < keys.Length; i++)
                keys[i] = ((ulong)(KeyOf(x[i * StepX]) ^ Flip) << 32) | (uint)i;
            keys.Sort();
            for (int i = 0; i < keys.Length; i++)
            {
                int place = (int)(uint)keys[i];
                values[i * StepValues] = x[place * StepX];
                index[i * StepIndex] = place;
            }
        }

        // Unsigned integers in the numbers' order: negative ones with all bits flipped, the others above them; both zeros are one, every NaN is the greatest.
        private static uint KeyOf(float value)
        {
            if (float.IsNaN(value))
                return uint.MaxValue;
            uint bits = BitConverter.SingleToUInt32Bits(value + 0f);
            return (bits >> 31) != 0 ? ~bits : bits | 0x80000000;
        }
    }
}
