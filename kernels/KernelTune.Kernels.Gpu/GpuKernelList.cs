using System.Reflection;
using KernelTune.Kernels.Elementwise;
using KernelTune.Kernels.Lanes;

namespace KernelTune.Kernels.Gpu;

/// <summary>A kernel as tools see it: compiled alone, listed, its assembly shown.</summary>
/// <param name="Name">The name by which it is asked for, such as "map.silu".</param>
/// <param name="GroupSize">Threads in a group on a real GPU.</param>
/// <param name="Entry">The method that ILGPU compiles, closed over representative types.</param>
public sealed record GpuKernel(string Name, int GroupSize, MethodInfo Entry);

/// <summary>Every kernel, the generic ones closed with the types that a training step uses most.</summary>
public static class GpuKernelList
{
    /// <summary>Threads in a group of a kernel that has no shape of its own.</summary>
    public const int GroupSize = 256;

    /// <summary>The kernels by name, in a fixed order.</summary>
    public static IReadOnlyList<GpuKernel> All { get; } =
    [
        Of<FillKernel<uint>, FillArgs<uint>>("fill.32"),
        Of<RampKernel<StoredF32>, RampArgs<StoredF32>>("ramp.f32"),
        Of<CopyKernel<uint>, CopyArgs<uint, uint>>("copy.32"),
        Of<CastKernel<StoredBF16, StoredF32>, CopyArgs<StoredBF16, StoredF32>>("cast.bf16.f32"),
        Of<CastKernel<StoredF32, StoredBF16>, CopyArgs<StoredF32, StoredBF16>>("cast.f32.bf16"),
        Of<CastWideKernel<StoredI64, StoredF32>, CopyArgs<StoredI64, StoredF32>>("cast.i64.f32"),
        Map<Unary<Silu, None>, None>("map.silu"),
        Flat<Unary<Silu, None>, None>("map.flat.silu"),
        Flat<UnaryGradAdd<Gelu, None>, None>("map.flat.gelu.grad_add"),
        Flat<Binary<Mul, None>, None>("map.flat.mul"),
        Flat<BinaryGrad<SwiGlu, None>, None>("map.flat.swiglu.grad"),
        Map<UnaryGradAdd<Gelu, None>, None>("map.gelu.grad_add"),
        Map<Unary<Tanh, None>, None>("map.tanh"),
        Map<Unary<Exp, None>, None>("map.exp"),
        Map<Unary<Log, None>, None>("map.log"),
        Map<Binary<Mul, None>, None>("map.mul"),
        Map<BinaryGrad<SwiGlu, None>, None>("map.swiglu.grad"),
        Map<Unary<Scale, ScaleParams>, ScaleParams>("map.scale"),
        Of<MapKernel<F64, Step<ClipFactor, ScaleParams>, ScaleParams>, MapArgs<F64, ScaleParams>>("map.f64.clip_factor"),
        Of<ReduceByThreads<StoredF32, StoredF32, G32, SingleSums, SumOf>, ReduceArgs<StoredF32, StoredF32>>("reduce.threads.sum"),
        Of<ReduceByGroups<StoredF32, StoredF32, G32, SingleSums, SumOf>, ReduceArgs<StoredF32, StoredF32>>("reduce.groups.sum"),
        Of<ReduceByGroups<StoredF32, StoredF32, G32, SingleSums, GreatestOf>, ReduceArgs<StoredF32, StoredF32>>("reduce.groups.max"),
        Of<ReduceByGroups<StoredF32, StoredF64, F64, DoubleSums, SumOfSquaresOf>, ReduceArgs<StoredF32, StoredF64>>("reduce.squares.f64"),
        Of<ArgMaxKernel<StoredF32>, ArgMaxArgs<StoredF32>>("arg_max"),
        Of<ScanKernel<StoredF32, G32, SingleSums>, ScanArgs<StoredF32>>("scan"),
        Of<SortBegin<StoredF32>, SortRowsArgs<StoredF32>>("sort.begin"),
        Of<SortPass, SortPassArgs>("sort.pass"),
        Of<SortEnd<StoredF32>, SortRowsArgs<StoredF32>>("sort.end"),
        Of<MatMulKernel<StoredF32, StoredF32, Tile64>, MatMulArgs<StoredF32, StoredF32>>("matmul.f32.64"),
        Of<MatMulKernel<StoredF32, StoredBF16, Tile64>, MatMulArgs<StoredF32, StoredBF16>>("matmul.f32.bf16.64"),
        Of<MatMulKernel<StoredBF16, StoredBF16, Tile64>, MatMulArgs<StoredBF16, StoredBF16>>("matmul.bf16.64"),
        Of<GatherKernel<uint>, GatherArgs<uint>>("gather.32"),
        Of<LinkRows, LinkArgs>("scatter_add.link"),
        Of<ScatterAddKernel, ScatterAddArgs>("scatter_add"),
        Of<RandomKernel, RandomArgs>("random"),
        Of<RotaryTableKernel<StoredF32>, RotaryTableArgs<StoredF32>>("rotary_table"),
        Of<UpdateKernel<AdamW>, UpdateArgs>("adamw"),
        Of<UpdateKernel<Lion>, UpdateArgs>("lion"),
        Of<UpdateKernel<SgdMomentum>, UpdateArgs>("sgd_momentum"),
        Of<BlockwiseUpdateKernel<AdamW>, BlockwiseUpdateArgs>("adamw.8bit"),
        Of<BlockwiseUpdateKernel<Lion>, BlockwiseUpdateArgs>("lion.8bit"),
        Of<BlockwiseUpdateKernel<SgdMomentum>, BlockwiseUpdateArgs>("sgd_momentum.8bit"),
        Of<UnfoldKernel<StoredF32>, WindowArgs<StoredF32>>("unfold"),
        Of<FoldKernel<StoredF32>, WindowArgs<StoredF32>>("fold"),
    ];

    private static GpuKernel Map<TOp, TParams>(string name)
        where TOp : struct, IElementwise<TParams>
        where TParams : struct => Of<MapKernel<G32, TOp, TParams>, MapArgs<G32, TParams>>(name);

    private static GpuKernel Flat<TOp, TParams>(string name)
        where TOp : struct, IElementwise<TParams>
        where TParams : struct => Of<FlatMapKernel<G32, TOp, TParams>, FlatMapArgs<G32, TParams>>(name);

    private static GpuKernel Of<TKernel, TArgs>(string name, int groupSize = GroupSize)
        where TKernel : struct, IGpuKernel<TArgs>
        where TArgs : struct => new(name, groupSize, ((Action<TArgs>)TKernel.Run).Method);
}
