using KernelTune.Devices.Calls;

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
        table.Add<AdamWCall>(new GpuAdamW(gpu));
        table.Add<UnfoldCall>(new GpuUnfold(gpu));
        table.Add<FoldCall>(new GpuFold(gpu));
    }
}
