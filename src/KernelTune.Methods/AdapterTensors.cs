using KernelTune.Autograd;
using KernelTune.Checkpoints;
using KernelTune.Devices;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Methods;

/// <summary>What a method trains, in the order of the model, and the name of each tensor in the method's file.</summary>
public sealed class AdapterTensors
{
    private readonly List<Parameter> parameters = [];
    private readonly SortedDictionary<string, Parameter> byName = new(StringComparer.Ordinal);
    private readonly HashSet<string> aliases = new(StringComparer.Ordinal);

    /// <summary>What trains, in the order of the model.</summary>
    public IReadOnlyList<Parameter> Parameters => parameters;

    /// <summary>The parameter behind each tensor of the file, in ordinal order of the names.</summary>
    public IReadOnlyDictionary<string, Parameter> ByName => byName;

    /// <summary>Adds a parameter that trains, under its name in the file.</summary>
    public void Add(string name, Parameter parameter)
    {
        parameter.Trainable = true;
        parameters.Add(parameter);
        byName.Add(name, parameter);
    }

    /// <summary>A second name under which a parameter is saved too; a file that is read may lack it.</summary>
    public void Alias(string name, Parameter parameter)
    {
        byName.Add(name, parameter);
        aliases.Add(name);
    }

    /// <summary>Loads every tensor, strictly by name and shape; nothing has been loaded where this throws.</summary>
    /// <returns>The names in the source that the method does not know.</returns>
    /// <exception cref="CheckpointException">A tensor is missing or has another shape.</exception>
    public IReadOnlyList<string> Load(Device device, IWeightSource source)
    {
        var extra = StrictKeys.Check(byName.Keys, aliases, new Dictionary<string, string>(), source);
        foreach (var (name, parameter) in byName.Where(t => !aliases.Contains(t.Key)))
            StrictKeys.CheckShape(source, name, ShapeOf(parameter));
        foreach (var (name, parameter) in byName.Where(t => !aliases.Contains(t.Key)))
            parameter.Load(device, source.ReadF32(name));
        return extra;
    }

    /// <summary>The tensors as they are now, in ordinal order of their names.</summary>
    public IEnumerable<TensorToSave> ToSave() => byName.Select(t => Saved(t.Key, t.Value));

    /// <summary>A parameter as a tensor of a file, read when its turn comes.</summary>
    public static TensorToSave Saved(string name, Parameter parameter) =>
        new(name, DType.F32, ShapeOf(parameter), sink => sink.Write(Numbers(parameter)));

    /// <summary>A parameter's numbers on the host, in the checkpoint's order.</summary>
    internal static float[] Numbers(Parameter parameter)
    {
        var numbers = new float[parameter.Shape.Elements];
        parameter.Read(numbers);
        return numbers;
    }

    private static long[] ShapeOf(Parameter parameter) => [.. parameter.Shape.ToArray().Select(n => (long)n)];
}
