using ILGPU;
using KernelTune.Devices.Calls;
using KernelTune.Kernels.Elementwise;
using KernelTune.Kernels.Gpu;
using KernelTune.Kernels.Lanes;

namespace KernelTune.Devices.Gpu;

/// <summary>Formulas over views.</summary>
internal static class GpuMap
{
    public static void Run<V, TOp, TParams>(GpuContext gpu, in MapCall<TOp, TParams> call)
        where V : unmanaged, ILane<V>
        where TOp : struct, IElementwise<TParams>
        where TParams : struct
    {
        var plan = AxisPlan.Of(call.X.Shape, call.X, call.Y, call.Z, call.A, call.B, call.C, call.D);
        // Every index is below 2^31: so it is one piece.
        if (plan.IsFlat && plan.Pieces == 1)
        {
            Flat<V, TOp, TParams>(gpu, call, plan);
            return;
        }

        for (int piece = 0; piece < plan.Pieces; piece++)
        {
            // What the formula has not is given the first output's memory: a kernel argument must be some buffer.
            var x = gpu.Of<V>(call.X);
            var args = new MapArgs<V, TParams>
            {
                X = x,
                Y = call.Y.Exists ? gpu.Of<V>(call.Y) : x,
                Z = call.Z.Exists ? gpu.Of<V>(call.Z) : x,
                A = gpu.Of<V>(call.A),
                B = call.B.Exists ? gpu.Of<V>(call.B) : x,
                C = call.C.Exists ? gpu.Of<V>(call.C) : x,
                D = call.D.Exists ? gpu.Of<V>(call.D) : x,
                Shape = plan.Shape(piece),
                StepsX = plan.Steps(0, piece),
                StepsY = plan.Steps(1, piece),
                StepsZ = plan.Steps(2, piece),
                StepsA = plan.Steps(3, piece),
                StepsB = plan.Steps(4, piece),
                StepsC = plan.Steps(5, piece),
                StepsD = plan.Steps(6, piece),
                Params = call.Params,
            };
            gpu.Launcher.Walk<MapKernel<V, TOp, TParams>, MapArgs<V, TParams>>(args, args.Shape.Count);
        }
    }

    private static void Flat<V, TOp, TParams>(GpuContext gpu, in MapCall<TOp, TParams> call, in AxisPlan plan)
        where V : unmanaged, ILane<V>
        where TOp : struct, IElementwise<TParams>
        where TParams : struct
    {
        uint count = plan.Shape().Count;
        var args = new FlatMapArgs<V, TParams> { Count = count, Params = call.Params };
        (args.X, args.StepX) = Row<V>(gpu, call.X, plan.Steps(0), count);
        (args.A, args.StepA) = Row<V>(gpu, call.A, plan.Steps(3), count);
        (args.Y, args.StepY) = call.Y.Exists ? Row<V>(gpu, call.Y, plan.Steps(1), count) : (args.X, 0u);
        (args.Z, args.StepZ) = call.Z.Exists ? Row<V>(gpu, call.Z, plan.Steps(2), count) : (args.X, 0u);
        (args.B, args.StepB) = call.B.Exists ? Row<V>(gpu, call.B, plan.Steps(4), count) : (args.X, 0u);
        (args.C, args.StepC) = call.C.Exists ? Row<V>(gpu, call.C, plan.Steps(5), count) : (args.X, 0u);
        (args.D, args.StepD) = call.D.Exists ? Row<V>(gpu, call.D, plan.Steps(6), count) : (args.X, 0u);
        gpu.Launcher.Walk<FlatMapKernel<V, TOp, TParams>, FlatMapArgs<V, TParams>>(args, count);
    }

    // From the view's first element to its last.
    private static (ArrayView<V> Elements, uint Step) Row<V>(GpuContext gpu, in View view, Steps steps, uint count)
        where V : unmanaged => (gpu.Of<V>(view).SubView(steps.Start, ((count - 1) * steps.S0) + 1), (uint)steps.S0);
}
