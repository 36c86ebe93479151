using KernelTune.Devices;
using KernelTune.Devices.Memory;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Autograd;

/// <summary>
/// The gradients of a run's trainable parameters, segments of one arena. Over an accumulation window the first product overwrites a segment and the
/// later ones add to it; a parameter that nothing reached is left out of the step, as PyTorch does with a gradient of None.
/// </summary>
public sealed class GradientStore : IDisposable
{
    private readonly Dictionary<Parameter, int> places = [];
    private readonly Parameter[] parameters;
    private readonly View[] segments;
    private readonly bool[] reached;
    private readonly Block arena;

    /// <summary>An arena for <paramref name="trainable"/>, each once, in their order.</summary>
    public GradientStore(Device device, IEnumerable<Parameter> trainable)
    {
        Device = device;
        parameters = trainable.Distinct().ToArray();
        segments = new View[parameters.Length];
        reached = new bool[parameters.Length];
        Arena.Lay(device, parameters, Category.Gradients, out arena, segments);
        for (int i = 0; i < parameters.Length; i++)
            places.Add(parameters[i], i);
    }

    public Device Device { get; }

    /// <summary>The parameters, in the arena's order.</summary>
    public IReadOnlyList<Parameter> Parameters => parameters;

    /// <summary>True where the run trains this parameter.</summary>
    public bool Contains(Parameter parameter) => places.ContainsKey(parameter);

    /// <summary>True where a backward pass has reached the parameter since the last <see cref="Clear"/>.</summary>
    public bool Reached(Parameter parameter) => reached[places[parameter]];

    /// <summary>The gradient, in the parameter's shape. Meaningless where <see cref="Reached"/> is false.</summary>
    public View Of(Parameter parameter) => segments[places[parameter]];

    /// <summary>Begins a new accumulation window.</summary>
    public void Clear() => Array.Clear(reached);

    public void Dispose() => arena.Release();

    internal Destination Into(Parameter parameter)
    {
        int at = places[parameter];
        bool accumulate = reached[at];
        reached[at] = true;
        return new Destination(segments[at], accumulate);
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
