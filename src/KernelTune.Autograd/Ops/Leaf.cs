using KernelTune.Devices;

namespace KernelTune.Autograd.Ops;

/// <summary>
/// A parameter's value as an activation of a session: where a computation begins with a trained tensor itself (a soft prompt, a table of positions, a gate's scale).
/// Nothing is copied; the gradient goes to the parameter.
/// </summary>
public static class Leaf
{
    public static Tensor Apply(Session session, Parameter parameter)
    {
        var y = session.Wrap(parameter.Value.View);
        return session.Record("leaf", y, [parameter.Value], new Backward(parameter.Value));
    }

    private sealed class Backward(Tensor value) : IBackward
    {
        public void Run(ReadOnlySpan<View> gradOutputs, Gradients gradients)
        {
            if (gradients.Wants(value))
                gradients.Pass(value, gradOutputs[0]);
        }
    }
}
