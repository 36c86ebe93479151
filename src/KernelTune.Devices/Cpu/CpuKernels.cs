using KernelTune.Devices.Calls;
using KernelTune.Kernels.Elementwise;

namespace KernelTune.Devices.Cpu;

/// <summary>The CPU's kernels, by call. A call that is not here is composed.</summary>
internal static class CpuKernels
{
    public static void Register(KernelTable table, CpuContext cpu)
    {
        table.Add<PackCodesCall>(new CpuPackCodes(cpu));
        table.Add<FillCall>(new CpuFill(cpu));
        table.Add<RampCall>(new CpuRamp(cpu));
        table.Add<CopyCall>(new CpuCopy(cpu));
        table.Add<ReduceCall>(new CpuReduce(cpu));
        table.Add<ArgMaxCall>(new CpuArgMax(cpu));
        table.Add<ScanCall>(new CpuScan(cpu));
        table.Add<SortCall>(new CpuSort(cpu));
        table.Add<GatherCall>(new CpuGather(cpu));
        table.Add<ScatterAddCall>(new CpuScatterAdd(cpu));
        table.Add<RandomCall>(new CpuRandom(cpu));
        table.Add<UnfoldCall>(new CpuUnfold(cpu));
        table.Add<FoldCall>(new CpuFold(cpu));
        table.Add<Conv2dCall>(new CpuConv2d(cpu));
        table.Add<Conv2dGradInputCall>(new CpuConv2dGradInput(cpu));
        table.Add<Conv2dGradWeightCall>(new CpuConv2dGradWeight(cpu));
        table.Add<BatchStatisticsCall>(new CpuBatchStatistics(cpu));
        table.Add<BatchNormCall>(new CpuBatchNorm(cpu));
        table.Add<BatchNormGradSumsCall>(new CpuBatchNormGradSums(cpu));
        table.Add<BatchNormGradInputCall>(new CpuBatchNormGradInput(cpu));
        table.Add<MaxPool2dCall>(new CpuMaxPool2d(cpu));
        table.Add<MaxPool2dGradCall>(new CpuMaxPool2dGrad(cpu));
        table.Add<DropoutCall>(new CpuDropout(cpu));
        table.Add<RotaryTableCall>(new CpuRotaryTable(cpu));
        table.Add<RotaryCall>(new CpuRotary(cpu));
        table.Add<RmsNormCall>(new CpuRmsNorm(cpu));
        table.Add<RmsNormGradInputCall>(new CpuRmsNormGradInput(cpu));
        table.Add<RmsNormGradWeightCall>(new CpuRmsNormGradWeight(cpu));
        table.Add<LayerNormCall>(new CpuLayerNorm(cpu));
        table.Add<LayerNormGradInputCall>(new CpuLayerNormGradInput(cpu));
        table.Add<LayerNormGradWeightCall>(new CpuLayerNormGradWeight(cpu));
        table.Add<SoftmaxCall>(new CpuSoftmax(cpu));
        table.Add<SoftmaxGradCall>(new CpuSoftmaxGrad(cpu));
        table.Add<CrossEntropyCall>(new CpuCrossEntropy(cpu));
        table.Add<CrossEntropyGradCall>(new CpuCrossEntropyGrad(cpu));
        table.Add<AttentionCall>(new CpuAttention(cpu));
        table.Add<AttentionGradCall>(new CpuAttentionGrad(cpu));
        table.Add<PackCall>(new CpuPack(cpu));
        table.Add<UnpackCall>(new CpuUnpack(cpu));
        table.Add<MatMulCall>(new CpuMatMul(cpu));
        table.Add<LinearCall>(new CpuLinear(cpu));
        table.Add<LinearGradInputCall>(new CpuLinearGradInput(cpu));
        AddUpdate<AdamW>(table);
        AddUpdate<Adam>(table);
        AddUpdate<Lion>(table);
        AddUpdate<Sgd>(table);
        AddUpdate<SgdMomentum>(table);
        AddUpdate<SgdNesterov>(table);
        table.Add<BlockwiseUpdateCall<AdamW>>(new CpuBlockwiseUpdate<AdamW>(cpu));
        table.Add<BlockwiseUpdateCall<Lion>>(new CpuBlockwiseUpdate<Lion>(cpu));
        table.Add<BlockwiseUpdateCall<SgdMomentum>>(new CpuBlockwiseUpdate<SgdMomentum>(cpu));
    }

    private static void AddUpdate<TRule>(KernelTable table)
        where TRule : struct, IUpdateRule => table.Add<UpdateCall<TRule>>(new HostUpdate<TRule>());
}
