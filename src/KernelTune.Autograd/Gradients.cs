using KernelTune.Devices;
using KernelTune.Devices.Calls;
using KernelTune.Devices.Memory;
using KernelTune.Kernels.Elementwise;

namespace KernelTune.Autograd;

/// <summary>Where a backward pass puts what it computes: a parameter's segment of the arena, or a block of an activation's shape.</summary>
public sealed class Gradients(Session session)
{
    public Session Session => session;

    public Device Device => session.Device;

    /// <summary>True where the gradient of this tensor is used. A frozen weight, a constant or an absent input is not wanted.</summary>
    public bool Wants(Tensor? x) => x is not null
        && (x.RequiresGrad || (x.Parameter is { } p && session.Parameters is { } store && store.Contains(p)));

    /// <summary>The place of a gradient, dense, in the tensor's shape, and whether the result must be added to what is there.</summary>
    public Destination Into(Tensor x)
    {
        if (x.Parameter is { } parameter)
            return session.Parameters!.Into(parameter);
        if (!x.Gradient.Exists)
        {
            x.Gradient = Allocate(x);
            return new Destination(x.Gradient, false);
        }
        Own(x);
        return new Destination(x.Gradient, true);
    }

    /// <summary>The place of a gradient to which parts are added: zeros at first.</summary>
    public View IntoZeroed(Tensor x)
    {
        var into = Into(x);
        if (!into.Accumulate)
            Device.Run(new FillCall(into.View, 0));
        return into.View;
    }

    /// <summary>
    /// A place that the caller overwrites whole and then hands to <see cref="Finish"/>: the gradient's own, or, where there is a gradient already, a temporary.
    /// </summary>
    public View Begin(Tensor x)
    {
        if (x.Parameter is null && !x.Gradient.Exists)
        {
            x.Gradient = Allocate(x);
            return x.Gradient;
        }
        if (x.Parameter is { } p && !session.Parameters!.Reached(p))
            return session.Parameters.Into(p).View;
        return Device.Allocate(x.Shape, session.Real, Category.Workspace, session.Path, session.Phase);
    }

    /// <summary>Ends what <see cref="Begin"/> began: adds a temporary to the gradient and gives it back.</summary>
    public void Finish(Tensor x, in View begun)
    {
        var place = x.Parameter is { } p ? session.Parameters!.Of(p) : x.Gradient;
        if (begun.Block == place.Block && begun.Offset == place.Offset)
            return;
        Add(Into(x), begun);
        begun.Block.Release();
    }

    /// <summary>
    /// Hands a finished gradient on without computing anything: the first one is shared if it is dense, later ones are added. <paramref name="g"/> has the tensor's shape.
    /// </summary>
    public void Pass(Tensor x, in View g)
    {
        if (g.Shape != x.Shape)
            throw new ShapeException("backward", $"gradient {g.Shape} of a tensor {x.Shape}");
        if (x.Parameter is null && !x.Gradient.Exists && g.IsDense && g.Type == session.Real)
        {
            g.Block.Retain();
            x.Gradient = g;
            return;
        }
        Add(Into(x), g);
    }

    private void Add(in Destination into, in View g)
    {
        if (into.Accumulate)
            Device.Run(MapCall.Binary<Add, None>(into.View, into.View, g));
        else
            Device.Run(new CopyCall(g, into.View));
    }

    // A gradient that is shared with another tensor is copied before it is added to.
    private void Own(Tensor x)
    {
        if (x.Gradient.Block.References == 1)
            return;
        var own = Allocate(x);
        Device.Run(new CopyCall(x.Gradient, own));
        x.Gradient.Block.Release();
        x.Gradient = own;
    }

    private View Allocate(Tensor x) => Device.Allocate(x.Shape, session.Real, Category.Activations, session.Path, session.Phase, "gradient");
}
