using System.Buffers;
using System.Runtime.InteropServices;
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
    private readonly SortedDictionary<string, Parameter> buffers = new(StringComparer.Ordinal);

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

    /// <summary>Numbers that no optimizer moves but that change with what trains: running statistics of norms that train whole. A file that is read may lack them.</summary>
    public IReadOnlyDictionary<string, Parameter> Buffers => buffers;

    /// <summary>Adds a buffer, under its name in the file.</summary>
    public void AddBuffer(string name, Parameter buffer) => buffers.Add(name, buffer);

    /// <summary>Loads every tensor, strictly by name and shape; nothing has been loaded where this throws.</summary>
    /// <param name="device">Where to.</param>
    /// <param name="source">The file.</param>
    /// <param name="alsoKnown">Names that the file may hold besides, which are not read.</param>
    /// <returns>The names in the source that the method does not know.</returns>
    /// <exception cref="CheckpointException">A tensor is missing or has another shape.</exception>
    public IReadOnlyList<string> Load(Device device, IWeightSource source, params IEnumerable<string> alsoKnown)
    {
        var extra = Check(source, alsoKnown);
        Read(device, source);
        return extra;
    }

    /// <summary>The first half of <see cref="Load"/>: names and shapes.</summary>
    public IReadOnlyList<string> Check(IWeightSource source, params IEnumerable<string> alsoKnown)
    {
        var optional = aliases.Concat(buffers.Keys).Concat(alsoKnown).ToHashSet(StringComparer.Ordinal);
        var extra = StrictKeys.Check(byName.Keys, optional, new Dictionary<string, string>(), source);
        foreach (var (name, parameter) in Stored(source))
            StrictKeys.CheckShape(source, name, ShapeOf(parameter));
        return extra;
    }

    /// <summary>The second half of <see cref="Load"/>: the numbers.</summary>
    public void Read(Device device, IWeightSource source)
    {
        foreach (var (name, parameter) in Stored(source))
            parameter.Load(device, StoredNumbers.Read(source, name));
    }

    /// <summary>The tensors as they are now, in ordinal order of their names.</summary>
    public IEnumerable<TensorToSave> ToSave() => byName.Concat(buffers).OrderBy(t => t.Key, StringComparer.Ordinal).Select(t => Saved(t.Key, t.Value));

    /// <summary>A parameter as a tensor of a file: counts as I64, all else as F32. It is read when its turn comes, into memory that is used again: an adapter is never held twice.</summary>
    public static TensorToSave Saved(string name, Parameter parameter) => new(name, parameter.StoredType, ShapeOf(parameter), sink => Write(parameter, sink));

    /// <summary>A parameter's numbers on the host, in the checkpoint's order.</summary>
    internal static float[] Numbers(Parameter parameter)
    {
        var numbers = new float[parameter.Shape.Elements];
        parameter.Read(numbers);
        return numbers;
    }

    private static void Write(Parameter parameter, TensorSink sink)
    {
        if (parameter.StoredType == DType.I64)
        {
            var counts = new long[parameter.Shape.Elements];
            parameter.Device.Read<long>(parameter.Value.View, counts);
            sink.WriteRaw(MemoryMarshal.AsBytes<long>(counts));
            return;
        }
        var numbers = ArrayPool<float>.Shared.Rent(checked((int)parameter.Shape.Elements));
        var own = numbers.AsSpan(0, (int)parameter.Shape.Elements);
        parameter.Read(own);
        sink.Write(own);
        ArrayPool<float>.Shared.Return(numbers);
    }

    private IEnumerable<KeyValuePair<string, Parameter>> Stored(IWeightSource source) =>
        byName.Where(t => !aliases.Contains(t.Key)).Concat(buffers.Where(b => source.TryGet(b.Key, out _)));

    private static long[] ShapeOf(Parameter parameter) => [.. parameter.Shape.ToArray().Select(n => (long)n)];
}
