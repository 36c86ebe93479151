using KernelTune.Devices.Calls;
using KernelTune.Kernels.Gpu;
using KernelTune.Kernels.Lanes;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Devices.Gpu;

/// <summary>Running sums, a group a row.</summary>
internal sealed class GpuScan(GpuContext gpu) : GpuCallKernel<ScanCall>(gpu)
{
    public override void Run(in ScanCall call, nint workspace)
    {
        ScanCall.Check(call.X, call.Y);
        if (call.X.Elements == 0)
            return;
        switch (call.X.Type)
        {
            case DType.F32: Launch<StoredF32, G32, SingleSums>(call); break;
            case DType.F64: Launch<StoredF64, F64, DoubleSums>(call); break;
            case DType.I64: Launch<StoredI64, F64, DoubleSums>(call); break;
            default: throw Gpu.Unsupported(ScanCall.Name, $"{call.X.Type}");
        }
    }

    private void Launch<T, V, TSums>(in ScanCall call)
        where T : unmanaged, IStored<T>
        where V : unmanaged, ILane<V>
        where TSums : struct, IAccumulator<V>
    {
        int axis = call.X.Shape.Axis(call.Axis), length = call.X.Shape[axis];
        var (x, y) = (call.X.Select(axis, call.Reverse ? length - 1 : 0), call.Y.Select(axis, call.Reverse ? length - 1 : 0));
        int sign = call.Reverse ? -1 : 1;
        var plan = AxisPlan.Of(y.Shape, x, y);
        for (int piece = 0; piece < plan.Pieces; piece++)
        {
            var args = new ScanArgs<T>
            {
                X = Gpu.Of<T>(call.X),
                Y = Gpu.Of<T>(call.Y),
                Shape = plan.Shape(piece),
                StepsX = plan.Steps(0, piece),
                StepsY = plan.Steps(1, piece),
                StepX = sign * call.X.Stride(axis),
                StepY = sign * call.Y.Stride(axis),
                Length = length,
            };
            Launcher.Rows<ScanKernel<T, V, TSums>, ScanArgs<T>>(args, args.Shape.Count);
        }
    }
}

/// <summary>Rows in order, by passes of a merge sort between two pairs of buffers.</summary>
internal sealed class GpuSort(GpuContext gpu) : GpuCallKernel<SortCall>(gpu)
{
    public override long Workspace(in SortCall call, int threads) => 4 * BufferBytes(call);

    public override void Run(in SortCall call, nint workspace)
    {
        SortCall.Check(call.X, call.Values, call.Index);
        if (call.X.Elements == 0)
            return;
        switch (call.X.Type)
        {
            case DType.F32: Launch<StoredF32>(call, workspace); break;
            case DType.BF16: Launch<StoredBF16>(call, workspace); break;
            case DType.F16: Launch<StoredF16>(call, workspace); break;
            default: throw Gpu.Unsupported(SortCall.Name, $"{call.X.Type}");
        }
    }

    private void Launch<T>(in SortCall call, nint workspace)
        where T : unmanaged, IStored<T>
    {
        var (x, values, index) = (call.X.Select(-1, 0), call.Values.Select(-1, 0), call.Index.Select(-1, 0));
        uint elements = Walks.Count(SortCall.Name, call.X);
        long bytes = elements * sizeof(float);
        nint buffer = (nint)BufferBytes(call);
        var plan = AxisPlan.Of(x.Shape, x, values, index);
        var rows = new SortRowsArgs<T>
        {
            Rows = Gpu.Of<T>(call.X),
            Keys = Gpu.Memory.At<float>(workspace, bytes),
            Places = Gpu.Memory.At<int>(workspace + buffer, bytes),
            Index = Gpu.Of<long>(call.Index),
            Shape = plan.Shape(),
            StepsRows = plan.Steps(0),
            StepsIndex = plan.Steps(2),
            StepRows = call.X.Stride(-1),
            StepIndex = call.Index.Stride(-1),
            Elements = elements,
            Length = call.X.Shape[^1],
        };
        Launcher.Walk<SortBegin<T>, SortRowsArgs<T>>(rows, elements);
        var pass = new SortPassArgs
        {
            Keys = rows.Keys,
            Places = rows.Places,
            SortedKeys = Gpu.Memory.At<float>(workspace + (2 * buffer), bytes),
            SortedPlaces = Gpu.Memory.At<int>(workspace + (3 * buffer), bytes),
            Elements = elements,
            Length = rows.Length,
            Descending = call.Descending ? 1 : 0,
        };
        for (long width = 1; width < rows.Length; width *= 2)
        {
            pass.Width = (int)width;
            Launcher.Walk<SortPass, SortPassArgs>(pass, elements);
            (pass.Keys, pass.SortedKeys) = (pass.SortedKeys, pass.Keys);
            (pass.Places, pass.SortedPlaces) = (pass.SortedPlaces, pass.Places);
        }
        rows.Rows = Gpu.Of<T>(call.Values);
        rows.Keys = pass.Keys;
        rows.Places = pass.Places;
        rows.StepsRows = plan.Steps(1);
        rows.StepRows = call.Values.Stride(-1);
        Launcher.Walk<SortEnd<T>, SortRowsArgs<T>>(rows, elements);
    }

    private static long BufferBytes(in SortCall call) => ((call.X.Elements * sizeof(float)) + 255) & ~255L;
}
