namespace KernelTune.Checkpoints;

/// <summary>What every source can do, said once.</summary>
public static class WeightSources
{
    /// <summary>What is known of <paramref name="name"/>.</summary>
    /// <exception cref="CheckpointException">The source has no such weight.</exception>
    public static WeightInfo Get(this IWeightSource source, string name) => source.TryGet(name, out var info)
        ? info
        : throw new CheckpointException(source.Location, $"holds no such tensor among its {source.Names.Count}", tensor: name);

    /// <summary>The whole weight as an array of float32.</summary>
    public static float[] ReadF32(this IWeightSource source, string name)
    {
        var values = new float[ArrayLength(source, source.Get(name))];
        source.ReadF32(name, values);
        return values;
    }

    /// <summary>The bytes of the whole weight, as its format stores them.</summary>
    public static byte[] ReadRaw(this IWeightSource source, string name)
    {
        var info = source.Get(name);
        if (info.Bytes > Array.MaxLength)
            throw new CheckpointException(source.Location, $"{info.Bytes} bytes do not fit one array; read it by rows", tensor: name);
        var bytes = new byte[info.Bytes];
        source.ReadRaw(name, bytes);
        return bytes;
    }

    private static int ArrayLength(IWeightSource source, WeightInfo info) => info.Elements <= Array.MaxLength
        ? (int)info.Elements
        : throw new CheckpointException(source.Location, $"{info.Elements} elements do not fit one array; read it by rows", tensor: info.Name);

    /// <summary>The name of the format that holds most elements of <paramref name="weights"/>; "F32" where there are none.</summary>
    internal static string Prevailing(IEnumerable<WeightInfo> weights)
    {
        var elements = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var weight in weights)
            elements[weight.Format.Name] = elements.GetValueOrDefault(weight.Format.Name) + weight.Elements;
        return elements.Count == 0 ? "F32" : elements.OrderByDescending(e => e.Value).ThenBy(e => e.Key, StringComparer.Ordinal).First().Key;
    }
}
