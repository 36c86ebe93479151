using KernelTune.Devices.Calls;
using KernelTune.Kernels.Gpu;
using KernelTune.Kernels.Lanes;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Devices.Gpu;

/// <summary>
/// Reductions of one axis. Few or widely spaced numbers are reduced by a thread, a row of neighbours by a group; where that leaves most of the device idle, the axis
/// is cut and the pieces' results are reduced in a second launch. All of that depends on the layout alone.
/// </summary>
internal sealed class GpuReduce(GpuContext gpu) : GpuCallKernel<ReduceCall>(gpu)
{
    // An axis is cut only into pieces of at least so many numbers, and not where there are so many results.
    private const int LeastPiece = 1024, ManyResults = 4096, MostPieces = 256;

    // Up to so many numbers one thread is as good as a group.
    private const int FewNumbers = 64;

    public override long Workspace(in ReduceCall call, int threads)
    {
        int pieces = Pieces(call);
        return pieces == 1 ? 0 : call.Y.Elements * pieces * sizeof(double);
    }

    public override void Run(in ReduceCall call, nint workspace)
    {
        int axis = call.X.Shape.Axis(call.Axis);
        if (call.Y.Shape != call.X.Shape.With(axis, 1))
            throw new ShapeException(ReduceCall.Name, $"axis {axis} of {call.X.Shape} into {call.Y.Shape}");
        var from = new From { Kernel = this, Call = call, Workspace = workspace };
        if (call.Y.Elements > 0 && (!StoredTypes.Visit(call.X.Type, ref from) || !from.Found))
            throw Gpu.Unsupported(ReduceCall.Name, $"{call.X.Type} into {call.Y.Type}");
    }

    private static int Pieces(in ReduceCall call)
    {
        long length = call.X.Shape[call.X.Shape.Axis(call.Axis)], results = call.Y.Elements;
        if (results == 0 || results >= ManyResults)
            return 1;
        return (int)Math.Clamp(length / LeastPiece, 1, Math.Min(MostPieces, (ManyResults + results - 1) / results));
    }

    private void Launch<TFrom, TTo, V, TSums>(in ReduceCall call, nint workspace)
        where TFrom : unmanaged, IStored<TFrom>
        where TTo : unmanaged, IStored<TTo>
        where V : unmanaged, ILane<V>
        where TSums : struct, IAccumulator<V>
    {
        switch (call.Reduction)
        {
            case Reduction.Sum: Launch<TFrom, TTo, V, TSums, SumOf, SumOf>(call, workspace); break;
            case Reduction.SumOfSquares: Launch<TFrom, TTo, V, TSums, SumOfSquaresOf, SumOf>(call, workspace); break;
            case Reduction.Max: Launch<TFrom, TTo, V, TSums, GreatestOf, GreatestOf>(call, workspace); break;
            default: Launch<TFrom, TTo, V, TSums, LeastOf, LeastOf>(call, workspace); break;
        }
    }

    private void Launch<TFrom, TTo, V, TSums, TReduction, TJoining>(in ReduceCall call, nint workspace)
        where TFrom : unmanaged, IStored<TFrom>
        where TTo : unmanaged, IStored<TTo>
        where V : unmanaged, ILane<V>
        where TSums : struct, IAccumulator<V>
        where TReduction : struct, IReduction
        where TJoining : struct, IReduction
    {
        int axis = call.X.Shape.Axis(call.Axis);
        var plan = AxisPlan.Of(call.Y.Shape, call.X.Slice(axis, 0, Math.Min(1, call.X.Shape[axis])), call.Y);
        if (call.X.Shape[axis] == 0)
            plan = AxisPlan.Of(call.Y.Shape, default, call.Y);
        uint length = (uint)call.X.Shape[axis], pieces = (uint)Pieces(call);
        for (int piece = 0; piece < plan.Pieces; piece++)
        {
            var args = new ReduceArgs<TFrom, TTo>
            {
                X = length == 0 ? default : Gpu.Of<TFrom>(call.X),
                Y = Gpu.Of<TTo>(call.Y),
                Shape = plan.Shape(piece),
                StepsX = plan.Steps(0, piece),
                StepsY = plan.Steps(1, piece),
                Step = call.X.Stride(axis),
                Length = length,
                Piece = length,
                Pieces = 1,
                Accumulate = call.Accumulate ? 1 : 0,
            };
            if (pieces == 1)
            {
                Stage<TFrom, TTo, V, TSums, TReduction>(args);
                continue;
            }

            // Sums of double and of single precision alike go by way of memory as doubles: exact.
            var partial = Gpu.Memory.At<StoredF64>(workspace, args.Shape.Count * pieces * sizeof(double));
            Stage<TFrom, StoredF64, V, TSums, TReduction>(new ReduceArgs<TFrom, StoredF64>
            {
                X = args.X,
                Y = partial,
                Shape = args.Shape,
                StepsX = args.StepsX,
                Step = args.Step,
                Length = length,
                Piece = (length + pieces - 1) / pieces,
                Pieces = pieces,
            });
            Stage<StoredF64, TTo, V, TSums, TJoining>(new ReduceArgs<StoredF64, TTo>
            {
                X = partial,
                Y = args.Y,
                Shape = args.Shape,
                StepsX = Dense(args.Shape),
                StepsY = args.StepsY,
                Step = args.Shape.Count,
                Length = pieces,
                Piece = pieces,
                Pieces = 1,
                Accumulate = args.Accumulate,
            });
        }
    }

    private void Stage<TFrom, TTo, V, TSums, TReduction>(in ReduceArgs<TFrom, TTo> args)
        where TFrom : unmanaged, IStored<TFrom>
        where TTo : unmanaged, IStored<TTo>
        where V : unmanaged, ILane<V>
        where TSums : struct, IAccumulator<V>
        where TReduction : struct, IReduction
    {
        long results = args.Shape.Count * args.Pieces;
        if (args.Step != 1 || args.Piece <= FewNumbers)
            Launcher.Walk<ReduceByThreads<TFrom, TTo, V, TSums, TReduction>, ReduceArgs<TFrom, TTo>>(args, results);
        else
            Launcher.Rows<ReduceByGroups<TFrom, TTo, V, TSums, TReduction>, ReduceArgs<TFrom, TTo>>(args, results);
    }

    // One element after another over a shape whose outermost length may be unknown to the layout.
    private static Steps Dense(in Layout shape) => new()
    {
        S0 = 1,
        S1 = shape.L0,
        S2 = (long)shape.L0 * shape.L1,
        S3 = (long)shape.L0 * shape.L1 * shape.L2,
        S4 = (long)shape.L0 * shape.L1 * shape.L2 * shape.L3,
        S5 = (long)shape.L0 * shape.L1 * shape.L2 * shape.L3 * shape.L4,
    };

    private struct From : IStoredVisitor
    {
        public GpuReduce Kernel;
        public ReduceCall Call;
        public nint Workspace;
        public bool Found;

        public void Visit<TFrom>()
            where TFrom : unmanaged, IStored<TFrom>
        {
            // Of the many pairs of types those are compiled that calls use: reals into reals, and whole numbers into doubles or into their own type.
            bool wide = Call.X.Type.IsWide() || Call.Y.Type.IsWide();
            Found = true;
            switch (Call.Y.Type)
            {
                case DType.F64: Kernel.Launch<TFrom, StoredF64, F64, DoubleSums>(Call, Workspace); break;
                case DType.F32 when wide: Kernel.Launch<TFrom, StoredF32, F64, DoubleSums>(Call, Workspace); break;
                case DType.F32: Kernel.Launch<TFrom, StoredF32, G32, SingleSums>(Call, Workspace); break;
                case DType.I64: Kernel.Launch<TFrom, StoredI64, F64, DoubleSums>(Call, Workspace); break;
                case DType.BF16 or DType.F16 when Call.Y.Type == Call.X.Type: Kernel.Launch<TFrom, TFrom, G32, SingleSums>(Call, Workspace); break;
                default: Found = false; break;
            }
        }
    }
}

/// <summary>The place of a row's first maximum.</summary>
internal sealed class GpuArgMax(GpuContext gpu) : GpuCallKernel<ArgMaxCall>(gpu)
{
    public override void Run(in ArgMaxCall call, nint workspace)
    {
        if (call.Y.Type != DType.I64 || call.Y.Shape != call.X.Shape.Without(-1) || call.X.Shape[^1] == 0)
            throw new ShapeException(ArgMaxCall.Name, $"{call.X} into {call.Y}");
        switch (call.X.Type)
        {
            case DType.F32: Launch<StoredF32>(call); break;
            case DType.BF16: Launch<StoredBF16>(call); break;
            case DType.F16: Launch<StoredF16>(call); break;
            default: throw Gpu.Unsupported(ArgMaxCall.Name, $"{call.X.Type}");
        }
    }

    private void Launch<T>(in ArgMaxCall call)
        where T : unmanaged, IStored<T>
    {
        var plan = AxisPlan.Of(call.Y.Shape, call.X.Select(-1, 0), call.Y);
        for (int piece = 0; piece < plan.Pieces; piece++)
        {
            var args = new ArgMaxArgs<T>
            {
                X = Gpu.Of<T>(call.X),
                Y = Gpu.Of<long>(call.Y),
                Shape = plan.Shape(piece),
                StepsX = plan.Steps(0, piece),
                StepsY = plan.Steps(1, piece),
                Step = call.X.Stride(-1),
                Length = call.X.Shape[^1],
            };
            Launcher.Rows<ArgMaxKernel<T>, ArgMaxArgs<T>>(args, args.Shape.Count);
        }
    }
}
