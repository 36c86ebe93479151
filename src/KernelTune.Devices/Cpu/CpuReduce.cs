using KernelTune.Devices.Calls;
using KernelTune.Devices.Memory;
using KernelTune.Kernels.Cpu;
using KernelTune.Kernels.Lanes;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Devices.Cpu;

/// <summary>
/// Reductions of one axis. An axis whose elements are neighbours is reduced as rows; any other, where the results' inputs are neighbours, as columns. Which
/// of the two, and where they are cut, depends on the layout alone.
/// </summary>
internal sealed unsafe class CpuReduce(CpuContext cpu) : LaneKernel<ReduceCall>(cpu)
{
    private const int Grain = 16384;

    // Columns that one thread sums at a time.
    private const int Strip = 128;

    public override long Workspace(in ReduceCall call, int threads)
    {
        if (call.X.Elements == 0)
            return 0;
        var sizes = Sizes.Of(call);
        return sizes.ByColumns || sizes.Pieces == 1 ? 0 : sizes.Outputs * sizes.Pieces * sizeof(double);
    }

    protected override void Run<V>(in ReduceCall call, nint workspace)
    {
        int axis = call.X.Shape.Axis(call.Axis);
        if (call.Y.Shape != call.X.Shape.With(axis, 1))
            throw new ShapeException(ReduceCall.Name, $"axis {axis} of {call.X.Shape} into {call.Y.Shape}");
        if (call.Y.Elements == 0)
            return;
        if (call.X.Elements == 0)
        {
            if (!call.Accumulate)
                call.Y.Device.Run(new FillCall(call.Y, call.Reduction switch { Reduction.Max => double.NegativeInfinity, Reduction.Min => double.PositiveInfinity, _ => 0 }));
            return;
        }
        var sizes = Sizes.Of(call);
        if (call.X.Type != DType.F32)
        {
            OneByOne(call, sizes);
        }
        else if (sizes.ByColumns)
        {
            var columns = new Columns<V> { Sizes = sizes, X = (float*)call.X.Address, Y = (float*)call.Y.Address, Kind = KindOf(call.Reduction), Add = call.Accumulate };
            Cpu.Pool.Run(checked((int)(sizes.Plan.Rows * sizes.Strips)), ref columns);
        }
        else
        {
            var rows = new Rows<V> { Sizes = sizes, X = (float*)call.X.Address, Y = call.Y, Partial = (double*)workspace, Kind = KindOf(call.Reduction), Add = call.Accumulate };
            Cpu.Pool.Run(sizes.RowItems, ref rows);
            for (long output = 0; sizes.Pieces > 1 && output < sizes.Outputs; output++)
                rows.Join(output);
        }
    }

    // Numbers of other types are few: squares of norms, counts.
    private static void OneByOne(in ReduceCall call, in Sizes sizes)
    {
        for (long output = 0; output < sizes.Outputs; output++)
        {
            sizes.Locate(output, out long x, out long y);
            double sum = call.Reduction switch { Reduction.Max => double.NegativeInfinity, Reduction.Min => double.PositiveInfinity, _ => 0 };
            for (long i = 0; i < sizes.Count; i++)
            {
                double v = Elements.Load(call.X.Address, call.X.Type, x + (i * sizes.Step));
                sum = call.Reduction switch
                {
                    Reduction.Sum => sum + v,
                    Reduction.SumOfSquares => sum + (v * v),
                    Reduction.Max => Math.Max(sum, v),
                    _ => Math.Min(sum, v),
                };
            }
            Put(call.Y, y, sum, call.Accumulate);
        }
    }

    private static ReductionKind KindOf(Reduction reduction) => reduction switch
    {
        Reduction.Sum => ReductionKind.Sum,
        Reduction.SumOfSquares => ReductionKind.SumOfSquares,
        Reduction.Max => ReductionKind.Max,
        _ => ReductionKind.Min,
    };

    private static void Put(in View y, long at, double value, bool add)
    {
        if (y.Type == DType.F32)
        {
            float* to = (float*)y.Address + at;
            *to = add ? *to + (float)value : (float)value;
            return;
        }
        if (add)
            value += Elements.Load(y.Address, y.Type, at);
        Elements.Store(y.Address, y.Type, at, value);
    }

    /// <summary>How a reduction is cut.</summary>
    private struct Sizes
    {
        public RowPlan Plan;
        public long Count, Step, Outputs, OutputsAtOnce;
        public bool ByColumns;
        public int Pieces, Strips;

        /// <summary>Pieces of work of a reduction by rows.</summary>
        public readonly int RowItems => Pieces > 1 ? checked((int)(Outputs * Pieces)) : checked((int)((Outputs + OutputsAtOnce - 1) / OutputsAtOnce));

        public static Sizes Of(in ReduceCall call)
        {
            int axis = call.X.Shape.Axis(call.Axis);
            var sizes = new Sizes
            {
                Plan = RowPlan.Of([call.Y.Select(axis, 0), call.X.Select(axis, 0)], int.MaxValue / 4),
                Count = call.X.Shape[axis],
                Step = call.X.Stride(axis),
                Outputs = call.Y.Elements,
            };
            sizes.ByColumns = sizes.Step != 1 && sizes.Plan.Length > 1 && sizes.Plan.Step(1) == 1 && call.X.Type == DType.F32 && call.Y.Type == DType.F32;
            sizes.Pieces = checked((int)((sizes.Count + Reductions.Piece - 1) / Reductions.Piece));
            sizes.Strips = checked((int)((sizes.Plan.Length + Strip - 1) / Strip));
            sizes.OutputsAtOnce = Math.Max(1, Grain / Math.Max(1, sizes.Count));
            return sizes;
        }

        /// <summary>Offsets of an output and of its first input.</summary>
        public readonly void Locate(long output, out long x, out long y)
        {
            (long row, long i) = Math.DivRem(output, Plan.Length);
            y = Plan.Offset(0, row) + (i * Plan.Step(0));
            x = Plan.Offset(1, row) + (i * Plan.Step(1));
        }
    }

    private struct Rows<V> : IParallelBody
        where V : struct, IRowLane<V>
    {
        public Sizes Sizes;
        public float* X;
        public double* Partial;
        public View Y;
        public ReductionKind Kind;
        public bool Add;

        public readonly void Execute(int item, int worker)
        {
            if (Sizes.Pieces > 1)
            {
                (long output, long piece) = Math.DivRem(item, (long)Sizes.Pieces);
                Sizes.Locate(output, out long from, out _);
                long first = piece * Reductions.Piece;
                Partial[item] = Of(X + from + (first * Sizes.Step), (int)Math.Min(Reductions.Piece, Sizes.Count - first));
                return;
            }
            long begin = item * Sizes.OutputsAtOnce;
            for (long output = begin; output < Math.Min(begin + Sizes.OutputsAtOnce, Sizes.Outputs); output++)
            {
                Sizes.Locate(output, out long x, out long y);
                Put(Y, y, Of(X + x, (int)Sizes.Count), Add);
            }
        }

        public readonly void Join(long output)
        {
            Sizes.Locate(output, out _, out long y);
            double* partial = Partial + (output * Sizes.Pieces);
            double result = partial[0];
            for (int piece = 1; piece < Sizes.Pieces; piece++)
            {
                result = Kind switch
                {
                    ReductionKind.Max => Math.Max(result, partial[piece]),
                    ReductionKind.Min => Math.Min(result, partial[piece]),
                    _ => result + partial[piece],
                };
            }
            Put(Y, y, result, Add);
        }

        // Elements that are not neighbours are gathered first: at most a piece of them.
        private readonly double Of(float* x, int count)
        {
            if (Sizes.Step == 1)
                return Reduced(x, count);
            float* dense = stackalloc float[count];
            for (int i = 0; i < count; i++)
                dense[i] = x[i * Sizes.Step];
            return Reduced(dense, count);
        }

        private readonly double Reduced(float* x, int count)
        {
            if (Y.Type != DType.F64 || Kind is ReductionKind.Max or ReductionKind.Min)
                return Reductions.Row<V>(Kind, x, count);
            return Kind == ReductionKind.Sum ? Reductions.SumInDouble(x, count) : Reductions.SumOfSquaresInDouble(x, count);
        }
    }

    private struct Columns<V> : IParallelBody
        where V : struct, IRowLane<V>
    {
        public Sizes Sizes;
        public float* X, Y;
        public ReductionKind Kind;
        public bool Add;

        public readonly void Execute(int item, int worker)
        {
            (long row, long strip) = Math.DivRem(item, (long)Sizes.Strips);
            long first = strip * Strip;
            int columns = (int)Math.Min(Strip, Sizes.Plan.Length - first);
            float* x = X + Sizes.Plan.Offset(1, row) + first;
            long step = Sizes.Plan.Step(0);
            float* y = Y + Sizes.Plan.Offset(0, row) + (first * step);
            if (step == 1)
            {
                Reductions.Columns<V>(Kind, x, Sizes.Step, Sizes.Count, y, columns, Add);
                return;
            }
            float* sums = stackalloc float[Strip];
            Reductions.Columns<V>(Kind, x, Sizes.Step, Sizes.Count, sums, columns, false);
            for (int j = 0; j < columns; j++)
                y[j * step] = Add ? y[j * step] + sums[j] : sums[j];
        }
    }
}
