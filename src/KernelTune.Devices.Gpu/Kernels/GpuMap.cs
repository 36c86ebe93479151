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
}
