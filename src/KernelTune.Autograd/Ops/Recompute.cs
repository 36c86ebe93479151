using KernelTune.Devices;

namespace KernelTune.Autograd.Ops;

/// <summary>
/// Activation checkpointing (Chen et al., 2016): a stretch of the network runs without a tape, only its inputs are kept, and in the backward pass it runs again, this time recorded, and is walked at
/// once, as far as that reads (<see cref="Replay"/>). Random numbers depend on seed, path, step and micro-batch alone, so the second run gives the bits of the first.
/// </summary>
public static class Recompute
{
    /// <summary>The stretch's output.</summary>
    /// <param name="session">Where it runs.</param>
    /// <param name="inputs">Every activation that <paramref name="forward"/> reads; kept until the backward pass has come by.</param>
    /// <param name="trains">Whether parameters within are trained: then a gradient is wanted even where no input wants one.</param>
    /// <param name="forward">The stretch. Called twice: it may not change anything but what it returns.</param>
    public static Tensor Apply(Session session, IReadOnlyList<Tensor> inputs, bool trains, Func<Tensor> forward)
    {
        if (!session.Recording || session.IsWalking)
            return forward();
        if (!trains && !session.Needs([.. inputs]))
            return forward();
        Tensor[] kept = [.. inputs.Where(t => t.Parameter is null)];
        var (y, used) = session.WithoutTape(forward);
        session.RecordAlways("recompute", y, new Backward(session, forward), kept, used);
        return y;
    }

    private sealed class Backward(Session session, Func<Tensor> forward) : IBackward
    {
        public void Run(ReadOnlySpan<View> gradOutputs, Gradients gradients)
        {
            var gradient = session.Wrap(gradOutputs[0]);
            session.WalkAgain(forward, gradient);
        }
    }
}
