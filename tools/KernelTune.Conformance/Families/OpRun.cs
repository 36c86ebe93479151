using System.Text.Json;
using KernelTune.Autograd;
using KernelTune.Autograd.Ops;
using KernelTune.Conformance.Checks;
using KernelTune.Devices;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Conformance.Families;

/// <summary>
/// One case of ops/ on one device: inputs with a gradient are parameters, others are constants; outputs are compared as they are given, gradients after one
/// backward pass over all of them.
/// </summary>
internal sealed class OpRun : IDisposable
{
    private readonly Dictionary<string, Parameter> parameters = new(StringComparer.Ordinal);
    private readonly HashSet<string> used = new(StringComparer.Ordinal);
    private readonly HashSet<string> given = new(StringComparer.Ordinal);
    private readonly List<(Tensor Output, Tensor Gradient)> seeds = [];
    private readonly GradientStore store;
    private readonly GoldenTensors tensors;
    private readonly OpCheck check;

    /// <param name="device">Where it runs.</param>
    /// <param name="tensors">The case.</param>
    /// <param name="attributes">Its attributes.</param>
    /// <param name="check">Receives what differs.</param>
    /// <param name="weights">Inputs that are a product's weight or a table: where they have no gradient the device may pack them.</param>
    public OpRun(Device device, GoldenTensors tensors, JsonElement attributes, OpCheck check, IReadOnlyCollection<string> weights)
    {
        (this.tensors, this.check, Attributes) = (tensors, check, attributes);
        foreach (string name in tensors.Names.Where(n => n.StartsWith("in.", StringComparison.Ordinal)))
        {
            var stored = tensors[name];
            string plain = name["in.".Length..];
            bool trained = tensors.Has($"grad.{plain}");
            if (stored.DType != "F32" || (!trained && !weights.Contains(plain)))
                continue;
            var p = new Parameter(plain, Of(stored)) { Trainable = trained, Packable = weights.Contains(plain) && stored.Shape.Count == 2 };
            p.Load(device, stored.Floats());
            parameters.Add(plain, p);
        }
        store = new GradientStore(device, parameters.Values.Where(p => p.Trainable));
        Session = new Session(device, store) { Training = true };
    }

    public JsonElement Attributes { get; }

    public Session Session { get; }

    public bool Has(string input) => tensors.Has($"in.{input}");

    public bool HasAxes(string input, int axes) => Has(input) && tensors[$"in.{input}"].Shape.Count == axes;

    /// <summary>A weight.</summary>
    public Parameter Parameter(string input)
    {
        used.Add(input);
        return parameters[input];
    }

    public Parameter? ParameterOrNull(string input) => Has(input) ? Parameter(input) : null;

    /// <summary>A floating input, with a gradient if the case gives one.</summary>
    public Tensor Real(string input)
    {
        used.Add(input);
        if (parameters.TryGetValue(input, out var p))
            return Leaf.Apply(Session, p);
        var stored = tensors[$"in.{input}"];
        return Session.Upload<float>(stored.Floats(), Of(stored), Session.Real);
    }

    public Tensor? RealOrNull(string input) => Has(input) ? Real(input) : null;

    /// <summary>Ids, labels or a mask.</summary>
    public Tensor Integers(string input)
    {
        used.Add(input);
        var stored = tensors[$"in.{input}"];
        return Session.Upload<long>(stored.Integers(), Of(stored), DType.I64);
    }

    public Tensor? IntegersOrNull(string input) => Has(input) ? Integers(input) : null;

    /// <summary>The numbers of an input, on the host.</summary>
    public double[] Host(string input)
    {
        used.Add(input);
        return tensors[$"in.{input}"].Doubles();
    }

    /// <summary>The integers of an input, on the host.</summary>
    public long[] HostIntegers(string input)
    {
        used.Add(input);
        return tensors[$"in.{input}"].Integers();
    }

    /// <summary>Compares an output, and keeps it for the backward pass if the case has a cotangent for it.</summary>
    public void Output(string name, Tensor y)
    {
        check.Tensor($"out.{name}", Read(y.View), y.Shape.ToArray(), tensors[$"out.{name}"]);
        given.Add(name);
        if (tensors.Has($"grad_out.{name}"))
            Seed(y, tensors[$"grad_out.{name}"].Floats());
    }

    /// <summary>Gives an output its cotangent.</summary>
    public void Seed(Tensor y, ReadOnlySpan<float> cotangent) => seeds.Add((y, Session.Upload(cotangent, y.Shape, Session.Real)));

    /// <summary>The case's cotangent of an output.</summary>
    public float[] Cotangent(string name) => tensors[$"grad_out.{name}"].Floats();

    /// <summary>Compares numbers that the host holds.</summary>
    public void Output(string name, ReadOnlySpan<double> values, params ReadOnlySpan<int> shape)
    {
        check.Numbers($"out.{name}", values, shape, tensors[$"out.{name}"]);
        given.Add(name);
    }

    /// <summary>Compares integers that the host holds: they must be equal.</summary>
    public void Integers(string name, ReadOnlySpan<long> values, ReadOnlySpan<int> shape)
    {
        var expected = tensors[$"out.{name}"];
        given.Add(name);
        if (!shape.SequenceEqual(expected.Shape.ToArray()))
            check.Fail($"out.{name} is [{string.Join(", ", shape.ToArray())}], wanted [{string.Join(", ", expected.Shape)}]");
        else
            check.Exact($"out.{name}", values, expected.Integers());
    }

    /// <summary>Walks back from the outputs, compares all gradients, and begins anew.</summary>
    public void Backward()
    {
        Session.Backward(seeds.Select(s => s.Output).ToArray(), seeds.Select(s => s.Gradient).ToArray());
        seeds.Clear();
        foreach (var p in parameters.Values.Where(p => p.Trainable && store.Contains(p)))
        {
            // PyTorch too says zero of what nothing reached.
            var ours = store.Reached(p) ? Read(store.Of(p)) : new float[p.Shape.Elements];
            check.Tensor($"grad.{p.Path}", ours, p.Shape.ToArray(), tensors[$"grad.{p.Path}"]);
        }
        store.Clear();
    }

    /// <summary>The last backward pass, and that nothing of the case was left out.</summary>
    public void Finish()
    {
        if (seeds.Count > 0)
            Backward();
        foreach (string name in tensors.Names)
        {
            if (name.StartsWith("in.", StringComparison.Ordinal) && !used.Contains(name["in.".Length..]))
                check.Fail($"input {name} was not used");
            if (name.StartsWith("out.", StringComparison.Ordinal) && !given.Contains(name["out.".Length..]))
                check.Fail($"{name} was not computed");
        }
    }

    public float[] Read(in View view)
    {
        var values = new float[view.Elements];
        var dense = view;
        if (!view.IsDense)
        {
            dense = Session.Device.Allocate(view.Shape, view.Type, Devices.Memory.Category.Workspace);
            Session.Device.Run(new Devices.Calls.CopyCall(view, dense));
        }
        Session.Device.Read<float>(dense, values);
        if (!view.IsDense)
            dense.Block.Release();
        return values;
    }

    public void Dispose()
    {
        Session.Dispose();
        store.Dispose();
        foreach (var p in parameters.Values)
            p.Dispose();
    }

    private static Shape Of(GoldenTensor stored) => new(stored.Shape.ToArray());
}
