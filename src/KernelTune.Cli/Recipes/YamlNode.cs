namespace KernelTune.Cli.Recipes;

/// <summary>A value of a recipe and where it was written.</summary>
/// <param name="Place">"file:line:column", counted from 1, or "command line".</param>
internal abstract record YamlNode(string Place);

/// <summary>A scalar. Only plain ones can be numbers, truth values or nothing: what stands in quotes is text.</summary>
internal sealed record YamlScalar(string Place, string Text, bool Plain) : YamlNode(Place)
{
    /// <summary>Nothing was given: <c>none</c>, <c>null</c>, <c>~</c> or no value at all.</summary>
    public bool IsNone => Plain && Text is "" or "~" or "null" or "Null" or "NULL" or "none";
}

internal sealed record YamlSequence(string Place, IReadOnlyList<YamlNode> Items) : YamlNode(Place);

internal sealed record YamlMapping(string Place) : YamlNode(Place)
{
    /// <summary>In the order written; the place is the key's.</summary>
    public List<YamlEntry> Entries { get; } = [];

    public YamlEntry? Find(string key) => Entries.Find(e => e.Key == key);
}

internal sealed record YamlEntry(string Key, string KeyPlace, YamlNode Value);
