namespace KernelTune.Data;

/// <summary>How a data file is read.</summary>
public sealed record ReadOptions
{
    /// <summary>What the rows are; Auto: told from the first one.</summary>
    public ExampleFormat Format { get; init; } = ExampleFormat.Auto;

    /// <summary>What the file calls the parts of examples: "text" to "body".</summary>
    public IReadOnlyDictionary<string, string> Columns { get; init; } = new Dictionary<string, string>();

    /// <summary>The file whose lines belong to those of this one: parallel text; null: none.</summary>
    public string? Target { get; init; }

    /// <summary>Only these examples; null: all. Rows that were skipped as bad have no number.</summary>
    public ExampleRange? Rows { get; init; }

    /// <summary>True: a row that cannot be used is counted and left out, and does not end the reading.</summary>
    public bool SkipBad { get; init; }

    /// <summary>The longest record in bytes; a longer one is refused without being held in memory.</summary>
    public int LongestLine { get; init; } = 64 << 20;
}

/// <summary>What reading a file met.</summary>
public sealed class ReadAccount
{
    /// <summary>What the file is, in words: "JSON Lines", "CSV with ',' between fields".</summary>
    public string Kind { get; internal set; } = "";

    /// <summary>What the rows are.</summary>
    public ExampleFormat Format { get; internal set; }

    /// <summary>Why they are that.</summary>
    public string FormatReason { get; internal set; } = "";

    /// <summary>The columns that are used, as the file calls them.</summary>
    public IReadOnlyList<string> Columns { get; internal set; } = [];

    /// <summary>The first row's other columns.</summary>
    public IReadOnlyList<string> Unused { get; internal set; } = [];

    /// <summary>Records read, blank lines included.</summary>
    public long Lines { get; internal set; }

    /// <summary>Lines with nothing on them.</summary>
    public long BlankLines { get; internal set; }

    /// <summary>Examples given out.</summary>
    public long Examples { get; internal set; }

    /// <summary>Rows left out because they could not be used.</summary>
    public long Skipped { get; internal set; }

    /// <summary>The first of their messages, at most ten.</summary>
    public IReadOnlyList<string> SkippedMessages => Messages;

    internal List<string> Messages { get; } = [];

    /// <summary>What was detected, in a sentence: the kind of file, what its rows are, the columns used.</summary>
    public string Detected()
    {
        string rows = Format switch
        {
            ExampleFormat.Messages => "conversations",
            ExampleFormat.PromptCompletion => "prompts and completions",
            ExampleFormat.Instruction => "instructions and answers",
            ExampleFormat.Preference => "preference pairs",
            ExampleFormat.Classification => "texts and classes",
            ExampleFormat.TokenLabels => "labelled words",
            ExampleFormat.Squad => "questions on contexts",
            _ => "texts",
        };
        return $"{Kind}; {rows}" + (Columns.Count > 0 ? $" from {string.Join(", ", Columns)}" : "") + (Unused.Count > 0 ? $" (not used: {string.Join(", ", Unused)})" : "");
    }
}
