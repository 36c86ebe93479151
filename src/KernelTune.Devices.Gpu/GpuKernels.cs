using KernelTune.Devices.Calls;
using KernelTune.Kernels.Elementwise;

namespace KernelTune.Devices.Gpu;

/// <summary>The GPU's kernels, by call: the primitives. A call that is not here is composed.</summary>
internal static class GpuKernels
{
    public static void Register(KernelTable table, GpuContext gpu)
    {
        table.Add<FillCall>(new GpuFill(gpu));
        table.Add<RampCall>(new GpuRamp(gpu));
        table.Add<CopyCall>(new GpuCopy(gpu));
        table.Add<ReduceCall>(new GpuReduce(gpu));
        table.Add<ArgMaxCall>(new GpuArgMax(gpu));
        table.Add<ScanCall>(new GpuScan(gpu));
        table.Add<SortCall>(new GpuSort(gpu));
        table.Add<MatMulCall>(new GpuMatMul(gpu));
        table.Add<GatherCall>(new GpuGather(gpu));
        table.Add<ScatterAddCall>(new GpuScatterAdd(gpu));
        table.Add<RandomCall>(new GpuRandom(gpu));
        table.Add<RotaryTableCall>(new GpuRotaryTable(gpu));
        table.Add<UnfoldCall>(new GpuUnfold(gpu));
        table.Add<FoldCall>(new GpuFold(gpu));
        table.Add<UpdateCall<AdamW>>(new GpuUpdate<AdamW>(gpu));
        table.Add<UpdateCall<Adam>>(new GpuUpdate<Adam>(gpu));
        table.Add<UpdateCall<Lion>>(new GpuUpdate<Lion>(gpu));
        table.Add<UpdateCall<Sgd>>(new GpuUpdate<Sgd>(gpu));
        table.Add<UpdateCall<SgdMomentum>>(new GpuUpdate<SgdMomentum>(gpu));
        table.Add<UpdateCall<SgdNesterov>>(new GpuUpdate<SgdNesterov>(gpu));
        table.Add<BlockwiseUpdateCall<AdamW>>(new GpuBlockwiseUpdate<AdamW>(gpu));
        table.Add<BlockwiseUpdateCall<Lion>>(new GpuBlockwiseUpdate<Lion>(gpu));
        table.Add<BlockwiseUpdateCall<SgdMomentum>>(new GpuBlockwiseUpdate<SgdMomentum>(gpu));
    }
}
