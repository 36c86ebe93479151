using KernelTune.Devices;
using KernelTune.Devices.Memory;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Autograd;

/// <summary>
/// One trainer's (or one generation's) view of a device: scopes, module path, phase, step, seed, tape. Activations carry it; parameters do not.
/// Not thread-safe: a session is used by one thread at a time.
/// </summary>
public sealed class Session : IDisposable
{
    private readonly List<Block> held = [];
    private readonly List<Block> kept = [];
    private readonly Dictionary<string, int> lastSaved = new(StringComparer.Ordinal);
    private Tape tape;
    private Replay? replay;
    private int depth;
    private List<Parameter>? unrecorded;

    /// <param name="device">Where it runs.</param>
    /// <param name="gradients">The trainable parameters; null: nothing is recorded.</param>
    public Session(Device device, GradientStore? gradients = null)
    {
        Device = device;
        Parameters = gradients;
        tape = new Tape(this);
        Recording = gradients is not null;
    }

    public Device Device { get; }

    /// <summary>The gradients of the parameters that this session trains; null where it trains none.</summary>
    public GradientStore? Parameters { get; }

    /// <summary>The type of real numbers here.</summary>
    public DType Real => Device.Real;

    /// <summary>The run's seed: the key of every random number.</summary>
    public ulong Seed { get; set; }

    /// <summary>The optimizer step, from 0.</summary>
    public int Step { get; set; }

    /// <summary>The micro-batch within the step.</summary>
    public int MicroBatch { get; set; }

    /// <summary>True in training mode: dropout drops.</summary>
    public bool Training { get; set; }

    /// <summary>False: operations leave nothing on the tape.</summary>
    public bool Recording { get; set; }

    /// <summary>What memory and time are booked under.</summary>
    public Phase Phase { get; set; } = Phase.Forward;

    /// <summary>The path of the module that runs now; empty outside modules.</summary>
    public string Path { get; private set; } = "";

    /// <summary>Receives the outputs of modules; null: nobody.</summary>
    public IObserver? Observer { get; set; }

    /// <summary>The number of entries on the tape.</summary>
    public int TapeLength => tape.Count;

    /// <summary>An uninitialised dense tensor in the innermost scope.</summary>
    public Tensor New(Shape shape, DType type, Category category = Category.Activations)
    {
        var view = Device.Allocate(shape, type, category, Path, Phase);
        held.Add(view.Block);
        replay?.Made(view.Block);
        return new Tensor(view, this);
    }

    /// <summary>
    /// Runs the call by which an operation fills <paramref name="outputs"/>, all that it writes. In a stretch that runs for the second time it is left out where the backward pass reads none of them.
    /// </summary>
    internal void Run<TCall>(in TCall call, params ReadOnlySpan<Tensor> outputs)
        where TCall : struct, Devices.ICall
    {
        if (replay is null || replay.Needs(outputs))
            Device.Run(call);
    }

    /// <summary>An uninitialised dense tensor of real numbers in the innermost scope.</summary>
    public Tensor New(Shape shape) => New(shape, Real);

    /// <summary>A tensor over memory that somebody else holds too; the innermost scope holds it as well.</summary>
    public Tensor Wrap(View view)
    {
        view.Block.Retain();
        held.Add(view.Block);
        return new Tensor(view, this);
    }

    /// <summary>Host numbers as a tensor in the innermost scope.</summary>
    public Tensor Upload<T>(ReadOnlySpan<T> numbers, Shape shape, DType type, Category category = Category.Batches)
        where T : unmanaged
    {
        var tensor = New(shape, type, category);
        Device.Write(tensor.View, numbers);
        return tensor;
    }

    /// <summary>Begins a scope by hand: what is made in it goes back when it is disposed. Modules do this by themselves.</summary>
    public Scope Enter(string? path = null)
    {
        var scope = new Scope(this, held.Count, Path, ++depth);
        if (path is not null)
            Path = path;
        return scope;
    }

    /// <summary>Leaves the innermost scope and carries the tensors of <paramref name="result"/> over to the one around it.</summary>
    public void Leave<T>(in Scope scope, in T result)
        where T : IActivation
    {
        if (result.Session != this)
            throw new InvalidOperationException("a module returned a tensor of another session");
        kept.Clear();
        result.Keep(new Keeper(kept));
        Unwind(scope);
        held.AddRange(kept);
        kept.Clear();
    }

    /// <summary>
    /// Records an operation, if any input leads to something trainable: marks the output and keeps <paramref name="saved"/> for its backward.
    /// Every operation ends with this call, so that one without a gradient is refused where a gradient is wanted.
    /// </summary>
    public Tensor Record(string operation, Tensor y, ReadOnlySpan<Tensor?> inputs, IBackward? backward, params ReadOnlySpan<Tensor?> saved)
    {
        if (tape.Needs(inputs))
            tape.Add(operation, [y], backward ?? throw new InvalidOperationException($"[{operation}] has no gradient"), saved, inputs);
        else
            Note(inputs);
        return y;
    }

    /// <summary>Records an operation with several outputs.</summary>
    public void Record(string operation, Tensor[] outputs, ReadOnlySpan<Tensor?> inputs, IBackward? backward, params ReadOnlySpan<Tensor?> saved)
    {
        if (tape.Needs(inputs))
            tape.Add(operation, outputs, backward ?? throw new InvalidOperationException($"[{operation}] has no gradient"), saved, inputs);
        else
            Note(inputs);
    }

    /// <summary>Records an operation whatever its inputs: one that has trainable parameters within.</summary>
    internal void RecordAlways(string operation, Tensor y, IBackward backward, ReadOnlySpan<Tensor> saved, IReadOnlyList<Parameter> within) => tape.Add(operation, [y], backward, saved, within: within);

    /// <summary>Runs a stretch without a tape. Gives its output and the trained parameters that it used.</summary>
    internal (Tensor Output, IReadOnlyList<Parameter> Used) WithoutTape(Func<Tensor> forward)
    {
        Recording = false;
        unrecorded = [];
        try
        {
            return (forward(), unrecorded);
        }
        finally
        {
            Recording = true;
            unrecorded = null;
        }
    }

    /// <summary>Hands a parameter's gradient, to which nothing more is added in this step, to whom it may concern.</summary>
    internal void Consume(Parameter parameter)
    {
        var phase = Phase;
        Phase = Phase.Optimizer;
        Parameters!.Consume(parameter);
        Phase = phase;
    }

    private void Note(ReadOnlySpan<Tensor?> inputs)
    {
        if (unrecorded is null || Parameters is null)
            return;
        foreach (var x in inputs)
            if (x?.Parameter is { } p && Parameters.Contains(p))
                unrecorded.Add(p);
    }

    /// <summary>True while a tape is walked: what runs then is not recorded.</summary>
    internal bool IsWalking => tape.IsRunning;

    /// <summary>True while a stretch of the network runs for the second time, in the backward pass. Nothing that lasts (running statistics) may change then.</summary>
    public bool Recomputing { get; private set; }

    /// <summary>Runs a stretch again, on a tape of its own, and walks that at once: gradients of its inputs and parameters are added where they belong.</summary>
    internal void WalkAgain(Func<Tensor> forward, Tensor gradient)
    {
        var (outer, observer, recomputing, replayed) = (tape, Observer, Recomputing, replay);
        (tape, Observer, Recomputing) = (new Tape(this), null, true);
        int known = lastSaved.GetValueOrDefault(Path, Replay.Whole);
        try
        {
            using var scope = Enter();
            var y = Again(forward, known, out replay);
            if (!replay.IsRight)
            {
                tape.Clear();
                Unwind(scope);
                Enter();
                y = Again(forward, Replay.Whole, out replay);
            }
            lastSaved[Path] = known == Replay.Whole ? replay.LastSaved : Math.Max(known, replay.LastSaved);
            replay = null;
            tape.Run([y], [gradient]);
        }
        finally
        {
            tape.Clear();
            (tape, Observer, Recomputing, replay) = (outer, observer, recomputing, replayed);
        }
    }

    private Tensor Again(Func<Tensor> forward, int until, out Replay run)
    {
        replay = run = new Replay(until);
        var y = forward();
        tape.MarkSaved(run);
        return y;
    }

    /// <summary>True where a gradient would be asked of an operation on these inputs.</summary>
    public bool Needs(params ReadOnlySpan<Tensor?> inputs) => tape.Needs(inputs);

    /// <summary>Walks the tape backwards once from a loss of one element, whose gradient is 1, and empties it.</summary>
    public void Backward(Tensor loss)
    {
        using var scope = Enter();
        var one = New(loss.Shape);
        Device.Run(new Devices.Calls.FillCall(one.View, 1));
        Backward([loss], [one]);
    }

    /// <summary>Walks the tape backwards once from several outputs with the gradients given, and empties it.</summary>
    public void Backward(ReadOnlySpan<Tensor> outputs, ReadOnlySpan<Tensor> gradients)
    {
        var phase = Phase;
        Phase = Phase.Backward;
        try
        {
            tape.Run(outputs, gradients);
        }
        finally
        {
            Phase = phase;
        }
    }

    /// <summary>Throws the tape away without walking it.</summary>
    public void Forget() => tape.Clear();

    /// <summary>Empties the tape and gives back every tensor of every scope.</summary>
    public void Dispose()
    {
        tape.Clear();
        Unwind(new Scope(this, 0, "", 1));
    }

    internal void Unwind(in Scope scope)
    {
        for (int i = held.Count - 1; i >= scope.Mark; i--)
            held[i].Release();
        held.RemoveRange(scope.Mark, held.Count - scope.Mark);
        Path = scope.Path;
        depth = scope.Depth - 1;
    }

    internal void SetPath(string path) => Path = path;
}

/// <summary>A stretch of a session: the tensors made in it go back when it ends.</summary>
public readonly struct Scope(Session session, int mark, string path, int depth) : IDisposable
{
    internal int Mark { get; } = mark;

    internal string Path { get; } = path;

    internal int Depth { get; } = depth;

    public void Dispose() => session.Unwind(this);
}

/// <summary>Sees what modules give: hidden states, attention weights, the place where a NaN first appears.</summary>
public interface IObserver
{
    /// <summary>True where attention should take its composed path and report its weights.</summary>
    bool WantsAttentionWeights { get; }

    /// <summary>True where the loss should form all logits instead of chunks of them.</summary>
    bool WantsLogits { get; }

    /// <summary>A module's output, or a named tensor within it ("attentions"). Borrowed: copy what must last.</summary>
    void Observe(string path, string name, IActivation output);
}
