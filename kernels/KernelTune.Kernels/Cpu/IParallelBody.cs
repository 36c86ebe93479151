namespace KernelTune.Kernels.Cpu;

/// <summary>The work of one parallel loop, as a struct: passed by reference, so that running it allocates nothing.</summary>
public interface IParallelBody
{
    /// <summary>Does item <paramref name="item"/>. Items of one loop run in any order and at the same time.</summary>
    /// <param name="item">Which piece of the work, from 0.</param>
    /// <param name="worker">
    /// Who does it, from 0 to the pool's workers less one: no two items run under one number at the same time within a loop, so it
    /// may pick a private workspace. Results must never depend on it.
    /// </param>
    void Execute(int item, int worker);
}
