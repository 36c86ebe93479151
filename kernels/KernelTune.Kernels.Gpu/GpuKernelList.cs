using System.Reflection;

namespace KernelTune.Kernels.Gpu;

/// <summary>A kernel as tools see it: compiled alone, listed, its assembly shown.</summary>
/// <param name="Name">The name by which it is asked for, such as "map.silu".</param>
/// <param name="GroupSize">Threads in a group on a real GPU.</param>
/// <param name="Entry">The method that ILGPU compiles, closed over representative types.</param>
public sealed record GpuKernel(string Name, int GroupSize, MethodInfo Entry);

/// <summary>Every kernel, the generic ones closed with the types that a training step uses most.</summary>
public static partial class GpuKernelList
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
        Of<GatherKernel<uint>, GatherArgs<uint>>("gather.32"),
    ];

    private static GpuKernel Of<TKernel, TArgs>(string name, int groupSize = GroupSize)
        where TKernel : struct, IGpuKernel<TArgs>
        where TArgs : struct => new(name, groupSize, ((Action<TArgs>)TKernel.Run).Method);
}
