namespace KernelTune.QuickstartText;

/// <summary>A closed world: its people and what is true of each.</summary>
public sealed class World
{
    /// <summary>A world of <paramref name="people"/> people and <paramref name="towns"/> towns.</summary>
    public World(int people, int towns, SeededRandom random)
    {
        ArgumentNullException.ThrowIfNull(random);
        Relations = Relation.All(InventedNames.Towns(towns, random));
        string[] names = InventedNames.People(people, random);
        People = [.. names.Select(name => new Person(name, random.Chance(50), Facts(name, names, random)))];
    }

    public IReadOnlyList<Relation> Relations { get; }

    public IReadOnlyList<Person> People { get; }

    private string[] Facts(string name, string[] names, SeededRandom random) => [.. Relations.Select(relation =>
    {
        string value;
        do value = random.Pick(relation.Values.Count > 0 ? relation.Values : names);
        while (value == name);
        return value;
    })];
}

/// <summary>Somebody of the world.</summary>
/// <param name="Name">One word, nobody else's.</param>
/// <param name="IsShe">Whether sentences say she, or he.</param>
/// <param name="Facts">One value for each of the world's relations, in their order.</param>
public sealed record Person(string Name, bool IsShe, IReadOnlyList<string> Facts)
{
    /// <summary><paramref name="sentence"/> about this person, with <paramref name="value"/> in it.</summary>
    public string Say(string sentence, string value)
    {
        ArgumentNullException.ThrowIfNull(sentence);
        string said = sentence
            .Replace("{N}", Name, StringComparison.Ordinal)
            .Replace("{P}", IsShe ? "her" : "his", StringComparison.Ordinal)
            .Replace("{V}", value, StringComparison.Ordinal);
        // A pronoun at the beginning has a capital; elsewhere it has none.
        return said.StartsWith("{S}", StringComparison.Ordinal)
            ? (IsShe ? "She" : "He") + said["{S}".Length..]
            : said.Replace("{S}", IsShe ? "she" : "he", StringComparison.Ordinal);
    }
}
