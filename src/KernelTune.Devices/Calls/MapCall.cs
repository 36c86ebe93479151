using KernelTune.Kernels.Elementwise;

namespace KernelTune.Devices.Calls;

/// <summary>
/// Primitive: an elementwise formula over views of one shape (any strides; inputs may be broadcast by stride 0; an output may be an input).
/// X, Y, Z are outputs; A, B, C, D inputs; those that the formula has not are absent.
/// </summary>
public readonly record struct MapCall<TOp, TParams>(View X, View Y, View Z, View A, View B, View C, View D, TParams Params) : ICall
    where TOp : struct, IElementwise<TParams>
    where TParams : struct
{
    public static string Name => "map";

    public long Flops => X.Elements;

    public long Bytes => X.Bytes * (TOp.Inputs + TOp.Outputs);

    public void Compose(Device device) => device.Map(this);

    /// <summary>Refuses operands whose shape or type is not the first output's.</summary>
    public void Check()
    {
        CheckOne(A);
        if (TOp.Inputs > 1)
            CheckOne(B);
        if (TOp.Inputs > 2)
            CheckOne(C);
        if (TOp.Inputs > 3)
            CheckOne(D);
        if (TOp.Outputs > 1)
            CheckOne(Y);
        if (TOp.Outputs > 2)
            CheckOne(Z);
    }

    private void CheckOne(in View operand)
    {
        if (!operand.Exists || operand.Shape != X.Shape || operand.Type != X.Type)
            throw new ShapeException($"map {typeof(TOp).Name}", $"{operand} beside {X}");
    }
}

/// <summary>Map calls by the kind of their formula.</summary>
public static class MapCall
{
    /// <summary>x = f(a), f a unary operation.</summary>
    public static MapCall<Unary<TOp, P>, P> Unary<TOp, P>(in View x, in View a, P p = default)
        where TOp : struct, IUnaryOp<P>
        where P : struct => new(x, default, default, a, default, default, default, p);

    /// <summary>dx = f′·dy, or dx + that: <paramref name="a"/> is the forward's input or output, as the operation says.</summary>
    public static void UnaryGrad<TOp, P>(Device device, in View dx, bool accumulate, in View a, in View dy, P p = default)
        where TOp : struct, IUnaryOp<P>
        where P : struct
    {
        if (accumulate)
            device.Run(new MapCall<UnaryGradAdd<TOp, P>, P>(dx, default, default, a, dy, dx, default, p));
        else
            device.Run(new MapCall<UnaryGrad<TOp, P>, P>(dx, default, default, a, dy, default, default, p));
    }

    /// <summary>x = f(a, b), f a binary operation.</summary>
    public static MapCall<Binary<TOp, P>, P> Binary<TOp, P>(in View x, in View a, in View b, P p = default)
        where TOp : struct, IBinaryOp<P>
        where P : struct => new(x, default, default, a, b, default, default, p);

    /// <summary>(da, db) of f(a, b) from dy.</summary>
    public static MapCall<BinaryGrad<TOp, P>, P> BinaryGrad<TOp, P>(in View da, in View db, in View a, in View b, in View dy, P p = default)
        where TOp : struct, IBinaryOp<P>
        where P : struct => new(da, db, default, a, b, dy, default, p);

    /// <summary>x = f(a), f a step of a composition.</summary>
    public static MapCall<Step<TOp, P>, P> Step<TOp, P>(in View x, in View a, P p = default)
        where TOp : struct, IStep<P>
        where P : struct => new(x, default, default, a, default, default, default, p);

    /// <summary>x = f(a, b), f a step of a composition.</summary>
    public static MapCall<Step2<TOp, P>, P> Step2<TOp, P>(in View x, in View a, in View b, P p = default)
        where TOp : struct, IStep2<P>
        where P : struct => new(x, default, default, a, b, default, default, p);
}
