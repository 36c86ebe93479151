using System.Diagnostics;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Kernels.Cpu;

/// <summary>
/// Workspace of the products of a convolution's groups: one group is shared by the threads, several are taken one a thread. It holds every product that it was told of, however the others are
/// cut, so what a call states and what its products are given come from the same list.
/// </summary>
internal struct WindowRoom(int groups, int threads, InstructionSet set)
{
    private nuint most;

    /// <summary>True where the threads share a group's product.</summary>
    public readonly bool IsShared => groups == 1;

    public readonly InstructionSet Set => set;

    public readonly int Groups => groups;

    /// <summary>Bytes of all of it.</summary>
    public readonly long Bytes => IsShared ? (long)most : threads * (long)most;

    /// <summary>Bytes between two threads' workspaces: 0 where they share one.</summary>
    public readonly nuint Slot => IsShared ? 0 : most;

    /// <summary>Makes room for a product.</summary>
    public void Hold(WindowExtents extents) => most = Math.Max(most, Wanted(extents));

    public readonly bool Holds(WindowExtents extents) => Wanted(extents) <= most;

    private readonly nuint Wanted(WindowExtents extents) => WindowProduct.Workspace(extents, IsShared ? threads : 1, set);
}

/// <summary>The products of a convolution's groups: a group's operands lie so many floats after the one's before it, its rows of the result follow each other.</summary>
internal unsafe struct WindowGroups<TLeft, TRight> : IParallelBody
    where TLeft : struct, ILeftOperand, IGroupOperand<TLeft>
    where TRight : struct, IRightOperand, IGroupOperand<TRight>
{
    public required WindowRoom Room;
    public required byte* Workspace;
    public required WindowExtents Extents;
    public required TLeft Left;
    public required TRight Right;
    public required nint LeftFloats, RightFloats;
    public required WindowTarget Target;
    public required bool Add;
    private WorkerPool? pool;

    public void Run(WorkerPool workers)
    {
        Debug.Assert(Room.Holds(Extents), "the workspace was made for every product");
        pool = Room.IsShared ? workers : null;
        MatMulBlocking.Loop(Room.IsShared ? null : workers, Room.Groups, ref this);
    }

    public readonly void Execute(int item, int worker) => WindowProduct.Run(Extents, Left.After(item * LeftFloats), Right.After(item * RightFloats), Target.Below(item * Extents.M), Add,
        Workspace + ((nuint)worker * Room.Slot), pool, Room.Set);
}
