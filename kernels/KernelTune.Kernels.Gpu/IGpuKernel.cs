namespace KernelTune.Kernels.Gpu;

/// <summary>
/// A kernel that ILGPU compiles: one static method over one struct of views and scalars, launched with explicit groups. Every thread of a group reaches every
/// barrier, so nothing returns early.
/// </summary>
/// <typeparam name="TArgs">The kernel's operands.</typeparam>
public interface IGpuKernel<TArgs>
    where TArgs : struct
{
    /// <summary>What one thread does.</summary>
    static abstract void Run(TArgs args);
}
