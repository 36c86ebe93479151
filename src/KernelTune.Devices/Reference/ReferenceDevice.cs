using KernelTune.Devices.Calls;
using KernelTune.Kernels.Elementwise;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Devices.Reference;

/// <summary>
/// The truth: double precision, plain loops over the primitive calls, compositions for all else. Never fast, always right.
/// </summary>
public sealed class ReferenceDevice : HostMemoryDevice
{
    public ReferenceDevice()
    {
        Table.Add<FillCall>(new ReferenceFill());
        Table.Add<RampCall>(new ReferenceRamp());
        Table.Add<CopyCall>(new ReferenceCopy());
        Table.Add<ReduceCall>(new ReferenceReduce());
        Table.Add<ArgMaxCall>(new ReferenceArgMax());
        Table.Add<ScanCall>(new ReferenceScan());
        Table.Add<SortCall>(new ReferenceSort());
        Table.Add<MatMulCall>(new ReferenceMatMul());
        Table.Add<GatherCall>(new ReferenceGather());
        Table.Add<ScatterAddCall>(new ReferenceScatterAdd());
        Table.Add<RandomCall>(new ReferenceRandom());
        Table.Add<UnfoldCall>(new ReferenceUnfold());
        Table.Add<FoldCall>(new ReferenceFold());
        Table.Add<RotaryTableCall>(new ReferenceRotaryTable());
        Add<AdamW>();
        Add<Adam>();
        Add<Lion>();
        Add<Sgd>();
        Add<SgdMomentum>();
        Add<SgdNesterov>();
        Table.Add<BlockwiseUpdateCall<AdamW>>(new ReferenceBlockwiseUpdate<AdamW>());
        Table.Add<BlockwiseUpdateCall<Lion>>(new ReferenceBlockwiseUpdate<Lion>());
        Table.Add<BlockwiseUpdateCall<SgdMomentum>>(new ReferenceBlockwiseUpdate<SgdMomentum>());
    }

    public override string Name => "reference";

    public override DType Real => DType.F64;

    public override int Threads => 1;

    public override void Map<TOp, TParams>(in MapCall<TOp, TParams> call) => ReferenceMap.Run(call);

    private void Add<TRule>()
        where TRule : struct, IUpdateRule => Table.Add<UpdateCall<TRule>>(new HostUpdate<TRule>());
}
