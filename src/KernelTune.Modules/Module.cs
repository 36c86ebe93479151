using KernelTune.Autograd;
using KernelTune.Devices;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Modules;

/// <summary>A part of a model: a path, its own parameters, its children. Paths are PEFT's: "model.layers.0.self_attn.q_proj".</summary>
public abstract class Module(string path)
{
    private readonly List<Module> children = [];
    private readonly List<Parameter> parameters = [];
    private readonly List<Parameter> buffers = [];

    /// <summary>Where it stands in the model; empty for the model itself.</summary>
    public string Path { get; } = path;

    /// <summary>The modules directly within, in the order of the model.</summary>
    public IReadOnlyList<Module> Children => children;

    /// <summary>The parameters that are the module's own, without those of children and of what occupies it.</summary>
    public IReadOnlyList<Parameter> OwnParameters => parameters;

    /// <summary>Numbers of the module's own that belong to the checkpoint but never have a gradient: running statistics. A forward pass in training may change them.</summary>
    public IReadOnlyList<Parameter> OwnBuffers => buffers;

    /// <summary>True where a forward pass in training changes the module's buffers, so that a run must save them to be resumed.</summary>
    public virtual bool ChangesBuffers => false;

    /// <summary>The parameters of whatever occupies this module.</summary>
    public virtual IReadOnlyList<Parameter> OccupantParameters => [];

    /// <summary>This module and all below it, parents first.</summary>
    public IEnumerable<Module> Tree()
    {
        yield return this;
        foreach (var child in children)
        {
            foreach (var module in child.Tree())
                yield return module;
        }
    }

    /// <summary>Every parameter and buffer of the tree once, occupants' after their site's, in the order of the model: all that has memory.</summary>
    public IEnumerable<Parameter> AllParameters() => Tree().SelectMany(m => m.OwnParameters.Concat(m.OwnBuffers).Concat(m.OccupantParameters)).Distinct();

    /// <summary>Every parameter of the model itself, without what methods have added: all that could train.</summary>
    public IEnumerable<Parameter> BaseParameters() => Tree().SelectMany(m => m.OwnParameters).Distinct();

    /// <summary>Parameters that more than one module owns: tied weights, which cannot be trained apart.</summary>
    public HashSet<Parameter> SharedParameters() => [.. Tree().SelectMany(m => m.OwnParameters).GroupBy(p => p).Where(g => g.Count() > 1).Select(g => g.Key)];

    /// <summary>Every buffer of the model.</summary>
    public IEnumerable<Parameter> Buffers() => Tree().SelectMany(m => m.OwnBuffers);

    /// <summary>All that a checkpoint of the model holds: parameters and buffers, in the order of the model.</summary>
    public IEnumerable<Parameter> SavedParameters() => Tree().SelectMany(m => m.OwnParameters.Concat(m.OwnBuffers)).Distinct();

    protected T Child<T>(T module)
        where T : Module
    {
        children.Add(module);
        return module;
    }

    /// <summary>A parameter of this module's own, called <paramref name="name"/> below its path.</summary>
    protected Parameter Own(string name, Shape shape, bool packable = false, bool transposed = false)
    {
        var parameter = new Parameter(Path.Length == 0 ? name : $"{Path}.{name}", shape) { Packable = packable, IsTransposed = transposed };
        parameters.Add(parameter);
        return parameter;
    }

    /// <summary>A buffer of this module's own, called <paramref name="name"/> below its path.</summary>
    protected Parameter OwnBuffer(string name, Shape shape, DType stored = DType.F32)
    {
        var buffer = new Parameter(Path.Length == 0 ? name : $"{Path}.{name}", shape) { IsBuffer = true, StoredType = stored };
        buffers.Add(buffer);
        return buffer;
    }

    /// <summary>A parameter that another module owns too (a tied head).</summary>
    protected Parameter Share(Parameter parameter)
    {
        parameters.Add(parameter);
        return parameter;
    }
}

/// <summary>A module that computes. <see cref="Call"/> is the one way in; what occupies the module stands around <see cref="Forward"/>.</summary>
public abstract class Module<TIn, TOut>(string path) : Module(path)
    where TIn : IActivation
    where TOut : IActivation
{
    private IOccupant<TIn, TOut>? occupant;

    /// <summary>What a fine-tuning method has put at this site; null: nothing.</summary>
    public IOccupant<TIn, TOut>? Occupant => occupant;

    public override IReadOnlyList<Parameter> OccupantParameters => occupant?.Parameters ?? [];

    /// <summary>Puts a method at this site.</summary>
    /// <exception cref="InvalidOperationException">The site is taken.</exception>
    public void Occupy(IOccupant<TIn, TOut> method)
    {
        if (occupant is not null)
            throw new InvalidOperationException($"{Path} is occupied already");
        occupant = method;
    }

    /// <summary>Frees the site.</summary>
    public void Vacate() => occupant = null;

    /// <summary>
    /// True where what is within is not kept for the backward pass but computed again there. The module gives one tensor, and its input says what it reads
    /// (<see cref="IRecomputable"/>).
    /// </summary>
    public bool Recomputes { get; set; }

    // Whether anything within trains: methods have been attached before the first call.
    private bool? trains;

    /// <summary>
    /// Runs the module: within a scope and under its path; what it returns outlives the scope, everything else that it made goes back unless the tape has saved it.
    /// </summary>
    public TOut Call(in TIn x)
    {
        var session = x.Session;
        var scope = session.Enter(Path);
        var y = Recomputes ? Recomputed(x) : Run(x);
        session.Leave(scope, y);
        session.Observer?.Observe(Path, "", y);
        return y;
    }

    private TOut Run(in TIn x) => occupant is null ? Forward(x) : occupant.Forward(this, x);

    private TOut Recomputed(TIn x)
    {
        if (x is not IRecomputable input)
            throw new InvalidOperationException($"{Path} cannot be computed again: its input does not say what it reads");
        var reads = new List<Tensor>();
        input.Reads(reads);
        return (TOut)(object)Autograd.Ops.Recompute.Apply(x.Session, reads, trains ??= AllParameters().Any(p => p.Trainable), () => (Tensor)(object)Run(x));
    }

    /// <summary>The module's own arithmetic. Called by <see cref="Call"/> and by occupants only.</summary>
    public abstract TOut Forward(in TIn x);
}

/// <summary>An input that names every activation a module reads through it: what must be kept where the module is computed again.</summary>
public interface IRecomputable
{
    /// <summary>Adds the activations to a list; an absent one is left out.</summary>
    void Reads(List<Tensor> tensors);
}

/// <summary>What a method puts at a site: it sees the site's input and decides what the site gives.</summary>
public interface IOccupant<TIn, TOut>
    where TIn : IActivation
    where TOut : IActivation
{
    /// <summary>The parameters that it brings.</summary>
    IReadOnlyList<Parameter> Parameters { get; }

    /// <summary>Runs in the site's place. <c>site.Forward(x)</c> is what the site would give without it.</summary>
    TOut Forward(Module<TIn, TOut> site, in TIn x);
}
