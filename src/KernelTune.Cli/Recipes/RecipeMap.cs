using System.Globalization;
using KernelTune.Methods;
using KernelTune.Training.Recipes;

namespace KernelTune.Cli.Recipes;

/// <summary>A mapping of a recipe being read: hands out typed values by key, remembers where each was written, and refuses keys that are unknown.</summary>
internal sealed class RecipeMap
{
    private readonly YamlMapping _mapping;
    private readonly string _path;

    /// <summary>Reads <paramref name="mapping"/>, the value of the dotted key <paramref name="path"/> ("" at the top), whose keys may be <paramref name="known"/>.</summary>
    /// <exception cref="RecipeException">It has another key.</exception>
    public RecipeMap(YamlMapping mapping, string path, IEnumerable<string>? known = null)
    {
        (_mapping, _path) = (mapping, path);
        var names = (known ?? RecipeKeys.Children(path)).ToHashSet();
        foreach (YamlEntry entry in mapping.Entries)
            if (!names.Contains(entry.Key))
                throw new RecipeException(entry.KeyPlace, Full(entry.Key), known is null ? RecipeKeys.Explain(path, entry.Key) : $"unknown key; it has {string.Join(", ", names)}");
    }

    private string Full(string key) => _path.Length == 0 ? key : $"{_path}.{key}";

    /// <summary>What stands at <paramref name="key"/>; null where it is absent.</summary>
    public YamlNode? Node(string key) => _mapping.Find(key)?.Value;

    /// <summary>Whether <paramref name="key"/> is absent, or says none.</summary>
    public bool IsNone(string key) => Node(key) is null or YamlScalar { IsNone: true };

    /// <summary>Whether <paramref name="key"/> is there and says none.</summary>
    public bool SaysNone(string key) => Node(key) is YamlScalar { IsNone: true };

    public RecipeException Wrong(string key, YamlNode node, string wanted) => new(node.Place, Full(key), $"found {Describe(node)}, wanted {wanted}");

    /// <summary>The mapping at <paramref name="key"/>; an empty one where it is absent.</summary>
    public RecipeMap Map(string key, IEnumerable<string>? known = null) => Node(key) switch
    {
        null or YamlScalar { IsNone: true } => new RecipeMap(new YamlMapping(_mapping.Place), Full(key), known),
        YamlMapping mapping => new RecipeMap(mapping, Full(key), known),
        var node => throw Wrong(key, node, $"keys: {string.Join(", ", known ?? RecipeKeys.Children(Full(key)))}"),
    };

    public string Text(string key, string otherwise) => IsNone(key) ? otherwise : TextOf(key, Node(key)!);

    public string? OptionalText(string key) => IsNone(key) ? null : TextOf(key, Node(key)!);

    public int Integer(string key, int otherwise) => Node(key) is { } node ? IntegerOf(key, node) : otherwise;

    public int? OptionalInteger(string key) => IsNone(key) ? null : IntegerOf(key, Node(key)!);

    public long Long(string key, long otherwise) => Node(key) switch
    {
        null => otherwise,
        YamlScalar { Plain: true } scalar when long.TryParse(scalar.Text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long value) => value,
        var node => throw Wrong(key, node, "a whole number"),
    };

    public double Number(string key, double otherwise) => Node(key) is { } node ? NumberOf(key, node) : otherwise;

    public double? OptionalNumber(string key) => IsNone(key) ? null : NumberOf(key, Node(key)!);

    public bool Truth(string key, bool otherwise) => OptionalTruth(key) ?? otherwise;

    public bool? OptionalTruth(string key) => Node(key) switch
    {
        null or YamlScalar { IsNone: true } => null,
        YamlScalar { Plain: true, Text: "true" or "True" or "TRUE" } => true,
        YamlScalar { Plain: true, Text: "false" or "False" or "FALSE" } => false,
        var node => throw Wrong(key, node, "true or false"),
    };

    /// <summary>One of <paramref name="words"/>; one of <paramref name="later"/> is known but not built.</summary>
    public T Word<T>(string key, IReadOnlyList<(string Word, T Value)> words, T otherwise, params ReadOnlySpan<string> later)
        where T : struct
    {
        if (Node(key) is not { } node) return otherwise;
        string text = node is YamlScalar scalar ? scalar.Text : throw Wrong(key, node, Words(words));
        foreach (var (word, value) in words)
            if (word == text)
                return value;
        foreach (string word in later)
            if (word == text)
                throw new RecipeException(node.Place, Full(key), $"{text} is not built yet in this version; it has {Words(words)}");
        string nearest = words.MinBy(w => EditDistance.Between(w.Word, text)).Word;
        string hint = EditDistance.Between(nearest, text) <= Math.Max(1, nearest.Length / 3) ? $"; did you mean {nearest}?" : "";
        throw new RecipeException(node.Place, Full(key), $"found {Describe(node)}, wanted {Words(words)}{hint}");
    }

    /// <summary>One of <paramref name="words"/>, as it is.</summary>
    public string Word(string key, IReadOnlyList<string> words, string otherwise, params ReadOnlySpan<string> later)
    {
        (string, int)[] numbered = [.. words.Select((word, i) => (word, i))];
        return Node(key) is null ? otherwise : words[Word(key, numbered, 0, later)];
    }

    /// <summary>Names: a list, or one alone.</summary>
    public IReadOnlyList<string>? Names(string key) => Node(key) switch
    {
        null or YamlScalar { IsNone: true } => null,
        YamlScalar scalar => [scalar.Text],
        YamlSequence sequence => [.. sequence.Items.Select(item => TextOf(key, item))],
        var node => throw Wrong(key, node, "a list of names"),
    };

    /// <summary>A list of texts, which YAML reads as nothing else: a number or a truth is quoted. Empty where it is absent.</summary>
    public IReadOnlyList<string> Texts(string key) => Node(key) switch
    {
        null or YamlScalar { IsNone: true } => [],
        YamlSequence texts => [.. texts.Items.Select(item => item is YamlScalar scalar && !(scalar.Plain && IsNoText(scalar)) ? scalar.Text : throw Wrong(key, item, "text, in quotes where it looks like something else"))],
        var node => throw Wrong(key, node, "a list of texts"),
    };

    private static bool IsNoText(YamlScalar plain) => plain.IsNone || plain.Text is "true" or "True" or "TRUE" or "false" or "False" or "FALSE"
        || double.TryParse(plain.Text, NumberStyles.Float, CultureInfo.InvariantCulture, out _);

    /// <summary>Whole numbers: a list, or one alone.</summary>
    public IReadOnlyList<int>? Integers(string key) => Node(key) switch
    {
        null or YamlScalar { IsNone: true } => null,
        YamlSequence numbers => [.. numbers.Items.Select(number => IntegerOf(key, number))],
        var number => [IntegerOf(key, number)],
    };

    /// <summary>Modules by PEFT's rule: text is an expression (or all-linear), a list is names.</summary>
    public ModuleSelection? Modules(string key) => Node(key) switch
    {
        null or YamlScalar { IsNone: true } => null,
        YamlScalar { Text.Length: > 0 } scalar => Expression(key, scalar),
        YamlSequence => ModuleSelection.Of(Names(key)!),
        var node => throw Wrong(key, node, "a list of names, an expression, or all-linear"),
    };

    private ModuleSelection Expression(string key, YamlScalar scalar)
    {
        try
        {
            return ModuleSelection.Matching(scalar.Text);
        }
        catch (MethodException e)
        {
            throw new RecipeException(scalar.Place, Full(key), e.Message);
        }
    }

    public IReadOnlyList<KeyValuePair<string, T>> Pairs<T>(string key, Func<string, YamlNode, T> value) => Node(key) switch
    {
        null or YamlScalar { IsNone: true } => [],
        YamlMapping mapping => [.. mapping.Entries.Select(e => KeyValuePair.Create(e.Key, value(key, e.Value)))],
        var node => throw Wrong(key, node, "a mapping from patterns to numbers"),
    };

    public string TextOf(string key, YamlNode node) =>
        node is YamlScalar scalar && !(scalar.IsNone && scalar.Text.Length == 0) ? scalar.Text : throw Wrong(key, node, "text");

    public int IntegerOf(string key, YamlNode node) =>
        node is YamlScalar { Plain: true } scalar && int.TryParse(scalar.Text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int value)
            ? value
            : throw Wrong(key, node, "a whole number");

    // "1e400" parses as infinity and ".nan" as NaN: the rules refuse them by name.
    public double NumberOf(string key, YamlNode node)
    {
        if (node is YamlScalar { Plain: true } scalar)
        {
            if (double.TryParse(scalar.Text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value))
                return double.IsFinite(value) ? value : throw Wrong(key, node, "a finite number");
            if (scalar.Text.TrimStart('+', '-') is ".inf" or ".Inf" or ".INF" or ".nan" or ".NaN" or ".NAN" or "inf" or "nan") throw Wrong(key, node, "a finite number");
        }
        throw Wrong(key, node, "a number");
    }

    public static string Describe(YamlNode node) => node switch
    {
        YamlScalar { Plain: true, Text: "" } => "nothing",
        YamlScalar { Plain: true } scalar => Shortened(scalar.Text),
        YamlScalar scalar => $"the text \"{Shortened(scalar.Text)}\"",
        YamlSequence => "a list",
        _ => "a mapping",
    };

    private static string Shortened(string text)
    {
        string line = text.ReplaceLineEndings(" ");
        return line.Length <= 60 ? line : line[..57] + "…";
    }

    private static string Words<T>(IReadOnlyList<(string Word, T Value)> words) => string.Join(", ", words.Select(w => w.Word));
}
