using ILGPU;

namespace KernelTune.Kernels.Gpu;

/// <summary>How the threads of a one-dimensional launch share a range: thread i takes i, i + threads, i + 2·threads …</summary>
internal static class GridWalk
{
    /// <summary>The first element of this thread.</summary>
    public static uint First => ((uint)Grid.IdxX * (uint)Group.DimX) + (uint)Group.IdxX;

    /// <summary>Threads of the launch.</summary>
    public static uint Stride => (uint)Grid.DimX * (uint)Group.DimX;
}
