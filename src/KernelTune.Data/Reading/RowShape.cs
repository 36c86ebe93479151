using System.Text.Json;

namespace KernelTune.Data.Reading;

/// <summary>What the rows of a file are, and which of its columns are used.</summary>
/// <param name="Format">What they are.</param>
/// <param name="Columns">Known name to the file's name, where they differ.</param>
/// <param name="Used">The file's columns that are used.</param>
/// <param name="Reason">Why: what was found where.</param>
internal sealed record RowShape(ExampleFormat Format, IReadOnlyDictionary<string, string> Columns, IReadOnlyList<string> Used, string Reason)
{
    // In the order in which they are looked for. Other names for a column stand behind it.
    private static readonly (ExampleFormat Format, string[][] Wanted, string[] Also)[] Shapes =
    [
        (ExampleFormat.Messages, [["messages"]], ["tools", "chat_template_kwargs"]),
        (ExampleFormat.PromptCompletion, [["prompt"], ["completion"]], ["tools", "chat_template_kwargs"]),
        (ExampleFormat.Preference, [["chosen"], ["rejected"]], ["prompt", "tools", "chat_template_kwargs"]),
        (ExampleFormat.Squad, [["context"], ["question"], ["answers"]], ["id", "title"]),
        (ExampleFormat.TokenLabels, [["tokens", "words"], ["labels", "ner_tags", "tags"]], []),
        (ExampleFormat.Instruction, [["instruction"], ["output"]], ["input", "system", "history"]),
        (ExampleFormat.Instruction, [["prompt"], ["response"]], ["system"]),
        (ExampleFormat.Instruction, [["question"], ["answer"]], ["context", "system"]),
        (ExampleFormat.Instruction, [["source"], ["target"]], []),
        (ExampleFormat.Text, [["document"]], []),
        (ExampleFormat.Text, [["text"]], []),
    ];

    private static readonly (ExampleFormat, string[][], string[])[] Classified =
        [(ExampleFormat.Classification, [["text", "sentence", "sentence1", "premise"], ["label"]], ["text_pair", "sentence2", "hypothesis"])];

    /// <summary>What columns are called that stand for known ones.</summary>
    public static IReadOnlySet<string> OtherNames { get; } = Shapes.Concat(Classified).SelectMany(s => s.Item2.SelectMany(n => n).Concat(s.Item3)).ToHashSet(StringComparer.Ordinal);

    /// <summary>What the fields of a row show, in the format that is asked for or, where none is, in the first that they suit.</summary>
    /// <param name="path">The file.</param>
    /// <param name="row">Its first usable row.</param>
    /// <param name="place">Where that stands.</param>
    /// <param name="wanted">The format that the recipe names.</param>
    /// <param name="given">The columns that the recipe names: known name to the file's.</param>
    /// <exception cref="DataException">They suit none, or a column that the recipe names is not there.</exception>
    public static RowShape Of(string path, JsonElement row, Place place, ExampleFormat wanted, IReadOnlyDictionary<string, string> given)
    {
        string[] fields = [.. row.EnumerateObject().Select(p => p.Name)];
        string listed = fields.Length == 0 ? "(none)" : string.Join(", ", fields);
        foreach (var (known, name) in given)
            if (!fields.Contains(name, StringComparer.Ordinal)) throw new DataException(path, $"the fields {listed} were found; {name}, which columns names for {known}, wanted", place.Number, unit: place.Unit);
        bool told = wanted is ExampleFormat.Auto or ExampleFormat.Csv;
        foreach (var (format, parts, also) in wanted == ExampleFormat.Classification ? Classified : Shapes)
        {
            if (!told && format != wanted) continue;
            Dictionary<string, string> columns = new(given, StringComparer.Ordinal);
            List<string> used = [];
            bool complete = true;
            string[] roles = RolesOf(format, parts.Length);
            for (int i = 0; i < parts.Length && complete; i++)
            {
                string? found = given.GetValueOrDefault(roles[i]) ?? parts[i].FirstOrDefault(n => fields.Contains(n, StringComparer.Ordinal) && !given.Values.Contains(n));
                complete = found is not null;
                if (!complete) break;
                if (found != roles[i]) columns[roles[i]] = found!;
                used.Add(found!);
            }

            if (!complete) continue;
            foreach (string name in also)
            {
                string role = RoleOf(format, name, columns), found = given.GetValueOrDefault(role, name);
                if (!fields.Contains(found, StringComparer.Ordinal) || used.Contains(found)) continue;
                if (found != role) columns[role] = found;
                used.Add(found);
            }

            string why = $"{place.Unit} {place.Number} has {And([.. used.Take(parts.Length)])} (its fields: {listed})";
            return new RowShape(format, columns, used, why);
        }

        // What was asked for by name is looked for in every row: a row that lacks a field says so itself.
        if (!told) return new RowShape(wanted, given, [], "the recipe says so");
        throw new DataException(path, $"the fields {listed} were found; messages, prompt and completion, instruction and output, chosen and rejected, or text wanted (data.columns can name them)", place.Number, unit: place.Unit);
    }

    private static string[] RolesOf(ExampleFormat format, int count) => format switch
    {
        ExampleFormat.Messages => ["messages"],
        ExampleFormat.PromptCompletion => ["prompt", "completion"],
        ExampleFormat.Preference => ["chosen", "rejected"],
        ExampleFormat.Squad => ["context", "question", "answers"],
        ExampleFormat.TokenLabels => ["tokens", "labels"],
        ExampleFormat.Instruction => ["instruction", "output"],
        ExampleFormat.Classification => ["text", "label"],
        _ => ["text"],
    };

    /// <summary>The known name of a further column: a question's context is its input; a document is a text that is not cut.</summary>
    private static string RoleOf(ExampleFormat format, string name, Dictionary<string, string> columns) => (format, name) switch
    {
        (ExampleFormat.Instruction, "context") => "input",
        (ExampleFormat.Classification, "sentence2" or "hypothesis") => "text_pair",
        _ => name,
    };

    private static string And(List<string> names) => names.Count == 1 ? names[0] : $"{string.Join(", ", names.Take(names.Count - 1))} and {names[^1]}";
}
