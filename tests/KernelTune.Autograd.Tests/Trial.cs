using KernelTune.Autograd.Ops;
using KernelTune.Devices;
using KernelTune.Devices.Memory;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Autograd.Tests;

/// <summary>
/// One run of an operation on one device: parameters with seeded values, a session, an output, its gradients for a seeded cotangent. Disposing it asserts that
/// all memory has come back.
/// </summary>
public sealed class Trial : IDisposable
{
    private readonly long before;
    private readonly Parameter[] parameters;
    private readonly GradientStore store;
    private readonly Tensor?[] leaves;
    private readonly OperationCase of;

    public Trial(Device device, OperationCase of)
    {
        before = device.Outstanding;
        this.of = of;
        parameters = new Parameter[of.Shapes.Length];
        for (int i = 0; i < parameters.Length; i++)
        {
            bool frozen = of.Frozen.Contains(i), transposed = of.Transposed.Contains(i);
            parameters[i] = new Parameter($"p{i}", new Shape(of.Shapes[i])) { Trainable = !frozen, IsTransposed = transposed, Packable = of.IsWeight(i) };
            parameters[i].Load(device, of.Values(i));
        }
        store = new GradientStore(device, parameters.Where(p => p.Trainable));
        leaves = new Tensor?[parameters.Length];
        Session = new Session(device, store) { Training = true, Seed = 7, Step = 3 };
    }

    public Session Session { get; }

    public Device Device => Session.Device;

    /// <summary>Input i as an activation: the same one each time, so that a second use adds to its gradient.</summary>
    public Tensor this[int i] => leaves[i] ??= Leaf.Apply(Session, parameters[i]);

    /// <summary>Input i as a weight.</summary>
    public Parameter Weight(int i) => parameters[i];

    public Tensor Integers(Shape shape, params long[] values) => Session.Upload<long>(values, shape, DType.I64);

    public Tensor Constant(Shape shape, params double[] values) => Session.Upload<double>(values, shape, Session.Real);

    /// <summary>The operation's output on the host; nothing is recorded.</summary>
    public double[] Forward()
    {
        Session.Recording = false;
        using var scope = Session.Enter();
        Array.Clear(leaves);
        double[] y = Read(of.Apply(this).View);
        Array.Clear(leaves);
        Session.Recording = true;
        return y;
    }

    /// <summary>
    /// The gradients of Σ cotangent·y, a parameter each. With two uses the operation runs twice on the same inputs and the second result adds
    /// into the first one's gradients.
    /// </summary>
    public double[][] Gradients(int uses = 1)
    {
        using var scope = Session.Enter();
        Array.Clear(leaves);
        store.Clear();
        var outputs = new Tensor[uses];
        var seeds = new Tensor[uses];
        for (int u = 0; u < uses; u++)
        {
            outputs[u] = of.Apply(this);
            seeds[u] = Session.Upload<double>(OperationCase.Cotangent(u, (int)outputs[u].Shape.Elements), outputs[u].Shape, Session.Real);
        }
        Session.Backward(outputs, seeds);
        Array.Clear(leaves);
        return [.. parameters.Select(p => p.Trainable && store.Reached(p) ? Read(store.Of(p)) : new double[p.Trainable ? p.Shape.Elements : 0])];
    }

    public void Set(int parameter, ReadOnlySpan<float> values) => parameters[parameter].Load(Device, values);

    /// <summary>Sets a value beyond what a float can hold.</summary>
    public void Set(int parameter, ReadOnlySpan<double> values) => Device.Write(parameters[parameter].Value.View, values);

    public double[] Read(in View view)
    {
        var values = new double[view.Elements];
        if (view.IsDense)
        {
            Device.Read<double>(view, values);
            return values;
        }
        var dense = Device.Allocate(view.Shape, view.Type, Category.Workspace);
        Device.Run(new Devices.Calls.CopyCall(view, dense));
        Device.Read<double>(dense, values);
        dense.Block.Release();
        return values;
    }

    public void Dispose()
    {
        Session.Dispose();
        store.Dispose();
        foreach (var p in parameters)
            p.Dispose();
        Assert.That(Device.Outstanding, Is.EqualTo(before), $"{of.Name}: bytes that did not come back");
    }
}
