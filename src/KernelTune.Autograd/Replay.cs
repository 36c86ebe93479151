using System.Runtime.CompilerServices;
using KernelTune.Devices.Memory;

namespace KernelTune.Autograd;

/// <summary>
/// A stretch of the network that runs for the second time. Only what its backward pass has saved must be computed again: calls that fill nothing but later tensors are left out, and at the end it is
/// known whether that was right. Tensors are told apart by their place in the order in which they are made, which is the same in every step.
/// </summary>
/// <param name="until">The last place that was read by the backward pass of an earlier step.</param>
internal sealed class Replay(int until)
{
    /// <summary>Leaves nothing out: the first time, when nothing is known yet.</summary>
    public const int Whole = int.MaxValue;

    private readonly Dictionary<Block, int> places = new(ByReference.Instance);
    private int firstLeftOut = Whole;

    /// <summary>The last place that the backward pass will read; -1: none.</summary>
    public int LastSaved { get; private set; } = -1;

    /// <summary>False where something was left out that the backward pass will read: the stretch has to run once more.</summary>
    public bool IsRight => LastSaved < firstLeftOut;

    public void Made(Block block) => places.Add(block, places.Count);

    public void Saved(Block block)
    {
        if (places.TryGetValue(block, out int place))
            LastSaved = Math.Max(LastSaved, place);
    }

    /// <summary>Whether a call must run that fills these tensors.</summary>
    public bool Needs(ReadOnlySpan<Tensor> outputs)
    {
        int first = Whole;
        foreach (var y in outputs)
        {
            if (!places.TryGetValue(y.View.Block, out int place) || place <= until)
                return true;
            first = Math.Min(first, place);
        }
        firstLeftOut = Math.Min(firstLeftOut, first);
        return false;
    }

    private sealed class ByReference : IEqualityComparer<Block>
    {
        public static ByReference Instance { get; } = new();

        public bool Equals(Block? x, Block? y) => ReferenceEquals(x, y);

        public int GetHashCode(Block block) => RuntimeHelpers.GetHashCode(block);
    }
}
