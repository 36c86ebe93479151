namespace KernelTune.Checkpoints;

/// <summary>Whether a source holds the weights that a model wants, by name and shape: nothing is loaded halfway.</summary>
public static class StrictKeys
{
    /// <summary>Compares the names of <paramref name="source"/> with those of a model.</summary>
    /// <param name="expected">What the model must have.</param>
    /// <param name="optional">What may be there or not (a new head, a buffer that older files saved).</param>
    /// <param name="tied">A name and the name that it shares its weight with: it may be absent where the other is there.</param>
    /// <param name="source">What is there.</param>
    /// <returns>The names in the source that the model does not know: a warning, not an error.</returns>
    /// <exception cref="CheckpointException">Names that are missing: the first of them, and how many.</exception>
    public static IReadOnlyList<string> Check(
        IEnumerable<string> expected,
        IReadOnlySet<string> optional,
        IReadOnlyDictionary<string, string> tied,
        IWeightSource source)
    {
        ArgumentNullException.ThrowIfNull(optional);
        ArgumentNullException.ThrowIfNull(tied);
        ArgumentNullException.ThrowIfNull(source);
        var wanted = expected.ToHashSet(StringComparer.Ordinal);
        var there = source.Names.ToHashSet(StringComparer.Ordinal);
        var missing = wanted
            .Where(name => !there.Contains(name) && !optional.Contains(name) && !(tied.TryGetValue(name, out var twin) && there.Contains(twin)))
            .Order(StringComparer.Ordinal).ToList();
        if (missing.Count > 0)
        {
            var others = missing.Count > 1 ? $", and {missing.Count - 1} more of the {wanted.Count} that the model has" : "";
            throw new CheckpointException(source.Location, $"it is missing{others}", tensor: missing[0]);
        }

        return [.. source.Names.Where(name => !wanted.Contains(name) && !optional.Contains(name) && !tied.ContainsKey(name))];
    }

    /// <summary>Compares a weight's shape with the model's.</summary>
    /// <exception cref="CheckpointException">They differ: both are named.</exception>
    public static void CheckShape(IWeightSource source, string name, IReadOnlyList<long> shape)
    {
        var info = source.Get(name);
        if (!info.Shape.SequenceEqual(shape))
            throw new CheckpointException(source.Location, $"its shape is {info.ShapeText}, {WeightInfo.ShapeToText(shape)} wanted", tensor: name);
    }
}
