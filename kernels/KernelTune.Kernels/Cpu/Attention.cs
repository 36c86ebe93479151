using System.Diagnostics;
using KernelTune.Kernels.Lanes;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Kernels.Cpu;

/// <summary>
/// Attention that never stores the matrix of scores (Dao et al., 2022), forward and backward, in fp32: y = softmax(mask(cap(q·kᵀ·scale) +
/// bias))·v. Tiles that nothing is visible in are skipped. The bits are the same for any number of threads and every instruction set.
/// A bias takes no gradient here: that is computed by composition.
/// </summary>
public static unsafe class Attention
{
    /// <summary>Bytes of workspace of <see cref="Forward"/>, 64-byte aligned.</summary>
    public static nuint Workspace(in AttentionShape shape, int threads, InstructionSet set) =>
        (nuint)threads * (AttentionDecode.Takes(shape) ? AttentionDecode.SlotBytes(shape) : AttentionForward.SlotBytes(shape, set));

    /// <summary>Bytes of workspace of <see cref="Backward"/>, 64-byte aligned.</summary>
    public static nuint GradWorkspace(in AttentionShape shape, int threads, InstructionSet set) =>
        AttentionBackward.DeltaBytes(shape) + (nuint)threads * AttentionBackward.SlotBytes(shape, set);

    /// <summary>Writes Y and Lse. A row that sees nothing gives zeros and −∞.</summary>
    public static void Forward(in AttentionArgs<float> args, void* workspace, WorkerPool pool, InstructionSet set)
    {
        AssertSound(args.Shape);
        switch (set)
        {
            case InstructionSet.Avx512: Forward<F32x16>(args, (byte*)workspace, pool, set); break;
            case InstructionSet.Avx2: Forward<Pair<F32x8>>(args, (byte*)workspace, pool, set); break;
            default: Forward<Pair<Pair<F32x4>>>(args, (byte*)workspace, pool, set); break;
        }
    }

    /// <summary>Writes (or adds to) DQ, DK, DV, and writes DSinks.</summary>
    public static void Backward(in AttentionGradArgs<float> args, void* workspace, WorkerPool pool, InstructionSet set)
    {
        AssertSound(args.Forward.Shape);
        switch (set)
        {
            case InstructionSet.Avx512: AttentionBackward.Run<F32x16>(args, (byte*)workspace, pool, set); break;
            case InstructionSet.Avx2: AttentionBackward.Run<Pair<F32x8>>(args, (byte*)workspace, pool, set); break;
            default: AttentionBackward.Run<Pair<Pair<F32x4>>>(args, (byte*)workspace, pool, set); break;
        }
    }

    private static void Forward<V>(in AttentionArgs<float> args, byte* workspace, WorkerPool pool, InstructionSet set) where V : struct, IRowLane<V>
    {
        if (AttentionDecode.Takes(args.Shape))
            AttentionDecode.Run<V>(args, workspace, pool, set);
        else
            AttentionForward.Run<V>(args, workspace, pool, set);
    }

    [Conditional("DEBUG")]
    private static void AssertSound(in AttentionShape shape)
    {
        Debug.Assert(shape.KeyHeads > 0 && shape.Heads % shape.KeyHeads == 0, "query heads share key heads evenly");
        Debug.Assert(shape.Sequences == 0 || shape.Batch == 1, "packed sequences are one example");
    }
}
