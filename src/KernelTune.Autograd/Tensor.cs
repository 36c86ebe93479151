using KernelTune.Devices;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Autograd;

/// <summary>
/// Numbers on a device, as operations see them: a view, and either the session in which an operation made them (an activation) or the parameter that
/// holds them. An activation is borrowed from the scope that made it: it is valid until that scope ends, unless a module returns it or the tape saves it.
/// </summary>
public sealed class Tensor : IActivation
{
    private readonly Session? session;

    internal Tensor(View view, Session session)
    {
        View = view;
        this.session = session;
    }

    internal Tensor(View view, Parameter parameter)
    {
        View = view;
        Parameter = parameter;
    }

    /// <summary>Block, offset, shape and strides.</summary>
    public View View { get; }

    public Shape Shape => View.Shape;

    public DType Type => View.Type;

    public Device Device => View.Device;

    /// <summary>The session that made this activation.</summary>
    /// <exception cref="InvalidOperationException">This is a parameter: parameters belong to no session.</exception>
    public Session Session => session ?? throw new InvalidOperationException($"{Parameter?.Path} is a parameter: it belongs to no session");

    /// <summary>The parameter whose value this is; null for an activation.</summary>
    public Parameter? Parameter { get; }

    /// <summary>True where the tape leads from this activation back to something trainable.</summary>
    public bool RequiresGrad { get; internal set; }

    /// <summary>The gradient so far, during a backward pass.</summary>
    internal View Gradient { get; set; }

    void IActivation.Keep(in Keeper keeper) => keeper.Keep(this);

    public override string ToString() => Parameter is null ? View.ToString() : $"{Parameter.Path} {View}";
}

/// <summary>What a module takes or gives: one tensor, or a record of several, all of one session.</summary>
public interface IActivation
{
    /// <summary>The session of its tensors.</summary>
    Session Session { get; }

    /// <summary>Names each tensor that must outlive the module's scope.</summary>
    void Keep(in Keeper keeper);
}

/// <summary>Collects the tensors that a module returns.</summary>
public readonly struct Keeper(List<Devices.Memory.Block> kept)
{
    /// <summary>Carries a tensor's block over to the caller's scope. Absent tensors may be passed.</summary>
    public void Keep(Tensor? tensor)
    {
        if (tensor is null || tensor.Parameter is not null)
            return;
        tensor.View.Block.Retain();
        kept.Add(tensor.View.Block);
    }
}
