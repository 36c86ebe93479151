using KernelTune.Devices;
using KernelTune.Devices.Memory;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Autograd;

/// <summary>
/// The gradients of a run's trainable parameters. Over an accumulation window the first product overwrites a gradient and the later ones add to it; a parameter that nothing reached is left out of the
/// step, as PyTorch does with a gradient of None. They are segments of one arena; or, where a consumer takes each as soon as it is final, blocks that live from the first product to then.
/// </summary>
public sealed class GradientStore : IDisposable
{
    private readonly Dictionary<Parameter, int> places = [];
    private readonly Parameter[] parameters;
    private readonly View[] segments;
    private readonly bool[] reached;
    private readonly bool[] claimed;
    private readonly bool[] consumed;
    private readonly Block? arena;

    /// <summary>Gradients of <paramref name="trainable"/>, each once, in their order.</summary>
    /// <param name="device">Where they lie.</param>
    /// <param name="trainable">The parameters.</param>
    /// <param name="released">Whether each is handed to <see cref="Consumer"/> within the backward pass and then given back: for windows of one backward pass.</param>
    public GradientStore(Device device, IEnumerable<Parameter> trainable, bool released = false)
    {
        (Device, IsReleased) = (device, released);
        parameters = trainable.Distinct().ToArray();
        segments = new View[parameters.Length];
        (reached, claimed, consumed) = (new bool[parameters.Length], new bool[parameters.Length], new bool[parameters.Length]);
        if (!released)
            Arena.Lay(device, parameters, Category.Gradients, out arena, segments);
        for (int i = 0; i < parameters.Length; i++)
            places.Add(parameters[i], i);
    }

    public Device Device { get; }

    /// <summary>Whether gradients are given back within the backward pass.</summary>
    public bool IsReleased { get; }

    /// <summary>Called with a parameter's place once its gradient is final, where gradients are released.</summary>
    public Action<int>? Consumer { get; set; }

    /// <summary>The parameters, in the arena's order.</summary>
    public IReadOnlyList<Parameter> Parameters => parameters;

    /// <summary>True where the run trains this parameter.</summary>
    public bool Contains(Parameter parameter) => places.ContainsKey(parameter);

    /// <summary>True where a backward pass has reached the parameter since the last <see cref="Clear"/>.</summary>
    public bool Reached(Parameter parameter) => reached[places[parameter]];

    /// <summary>The gradient, in the parameter's shape. Meaningless where <see cref="Reached"/> is false, absent once it was given back.</summary>
    public View Of(Parameter parameter) => segments[places[parameter]];

    /// <summary>Begins a new accumulation window.</summary>
    public void Clear()
    {
        // A backward pass that ended early leaves gradients behind.
        for (int i = 0; IsReleased && i < parameters.Length; i++)
            Release(i);
        Array.Clear(reached);
        Array.Clear(claimed);
        Array.Clear(consumed);
    }

    /// <summary>Hands on what the backward pass has reached and no entry of the tape was the last to add to.</summary>
    public void ConsumeRest()
    {
        foreach (var parameter in parameters)
            Consume(parameter);
    }

    public void Dispose()
    {
        arena?.Release();
        for (int i = 0; IsReleased && i < parameters.Length; i++)
            Release(i);
    }

    internal Destination Into(Parameter parameter)
    {
        int at = places[parameter];
        bool accumulate = reached[at];
        if (IsReleased && !accumulate)
            segments[at] = Device.Allocate(parameter.Shape, Device.Real, Category.Gradients, parameter.Path, Phase.Backward, "gradient");
        else if (consumed[at])
            throw new InvalidOperationException($"{parameter.Path} was updated with a gradient to which this backward pass still adds");
        reached[at] = true;
        return new Destination(segments[at], accumulate);
    }

    /// <summary>The parameters among an operation's that no earlier one of this window has used, where gradients are released.</summary>
    internal Parameter[] Claim(ReadOnlySpan<Tensor?> used, IReadOnlyList<Parameter>? within)
    {
        if (!IsReleased)
            return [];
        List<Parameter>? first = null;
        foreach (var x in used)
            if (x?.Parameter is { } p)
                ClaimOne(p, ref first);
        foreach (var p in within ?? [])
            ClaimOne(p, ref first);
        return first is null ? [] : [.. first];
    }

    internal void Consume(Parameter parameter)
    {
        int at = places[parameter];
        if (!IsReleased || !reached[at] || consumed[at])
            return;
        Consumer?.Invoke(at);
        Release(at);
        consumed[at] = true;
    }

    private void ClaimOne(Parameter parameter, ref List<Parameter>? first)
    {
        if (!places.TryGetValue(parameter, out int at) || claimed[at])
            return;
        claimed[at] = true;
        (first ??= []).Add(parameter);
    }

    private void Release(int at)
    {
        if (segments[at].Exists)
            segments[at].Block.Release();
        segments[at] = default;
    }
}

/// <summary>Where a gradient goes, and whether it is added to what is there.</summary>
public readonly record struct Destination(View View, bool Accumulate);

/// <summary>Segments of one block, one a parameter, each beginning at a multiple of 64 bytes.</summary>
public static class Arena
{
    /// <summary>Allocates the block and lays a dense segment of each parameter's shape into it, of the device's real type.</summary>
    public static void Lay(Device device, ReadOnlySpan<Parameter> parameters, Category category, out Block block, Span<View> segments)
    {
        var shapes = new Shape[parameters.Length];
        for (int i = 0; i < shapes.Length; i++)
            shapes[i] = parameters[i].Shape;
        Lay(device, shapes, device.Real, category, out block, segments);
    }

    /// <summary>Allocates the block and lays a dense segment of each shape into it.</summary>
    public static void Lay(Device device, ReadOnlySpan<Shape> shapes, DType type, Category category, out Block block, Span<View> segments)
    {
        int align = 64 / type.Size();
        long total = 0;
        foreach (var shape in shapes)
            total += (shape.Elements + align - 1) / align * align;
        block = device.Allocate(total * type.Size(), category);
        long at = 0;
        for (int i = 0; i < shapes.Length; i++)
        {
            segments[i] = new View(block, type, shapes[i], at);
            at += (shapes[i].Elements + align - 1) / align * align;
        }
    }
}
