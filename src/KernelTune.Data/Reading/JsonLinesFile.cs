using System.Text.Json;
using KernelTune.Data.Reading;

namespace KernelTune.Data;

/// <summary>How a data file is read.</summary>
public sealed record ReadOptions
{
    /// <summary>What the rows are; Auto: told from the first one.</summary>
    public ExampleFormat Format { get; init; } = ExampleFormat.Auto;

    /// <summary>Only these examples; null: all. Rows that were skipped as bad have no number.</summary>
    public ExampleRange? Rows { get; init; }

    /// <summary>True: a row that cannot be used is counted and left out, and does not end the reading.</summary>
    public bool SkipBad { get; init; }

    /// <summary>The longest line in bytes; a longer one is refused without being held in memory.</summary>
    public int LongestLine { get; init; } = 64 << 20;
}

/// <summary>What reading a file met.</summary>
public sealed class ReadAccount
{
    /// <summary>The format of the rows.</summary>
    public ExampleFormat Format { get; internal set; }

    /// <summary>Why it is this format.</summary>
    public string FormatReason { get; internal set; } = "";

    /// <summary>Lines read.</summary>
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
}

/// <summary>A file of JSON Lines, read one line at a time.</summary>
public static class JsonLinesFile
{
    /// <summary>
    /// The examples of <paramref name="path"/> in the file's order. <paramref name="account"/> is filled in on the way and complete at the end. A byte-order mark, CRLF and a missing
    /// last newline are accepted; blank lines are counted and passed over.
    /// </summary>
    /// <exception cref="DataException">
    /// The file cannot be read or holds no example; a line is too long, not UTF-8, not one JSON object, or lacks what its format needs (unless SkipBad).
    /// </exception>
    public static IEnumerable<Example> Read(string path, ReadOptions options, ReadAccount account)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(account);
        return Examples(path, options, account);
    }

    private static IEnumerable<Example> Examples(string path, ReadOptions options, ReadAccount account)
    {
        using var reader = new LineReader(path, options.LongestLine);
        var parser = new RowParser(path);
        account.Format = options.Format;
        if (options.Format != ExampleFormat.Auto) account.FormatReason = "the recipe says so";
        ExampleRange rows = options.Rows ?? new ExampleRange(0, null);
        long number = 0;
        while ((rows.End is not { } end || number < end) && reader.TryRead(out Line line))
        {
            account.Lines++;
            if (line.Problem is null && IsBlank(line.Bytes.Span))
            {
                account.BlankLines++;
                continue;
            }

            Example? example = Parse(parser, line, options, account);
            if (example is null) continue;
            if (number++ < rows.Start) continue;
            account.Examples++;
            yield return example;
        }

        if (account.Examples > 0) yield break;
        throw new DataException(path, number > 0
            ? $"{number} examples were found, rows {rows} leave none of them"
            : account.Skipped > 0 ? $"all {account.Skipped} rows were skipped as bad (the first: {account.Messages[0]})" : "the file is empty, at least one row wanted");
    }

    private static Example? Parse(RowParser parser, Line line, ReadOptions options, ReadAccount account)
    {
        try
        {
            JsonElement row = parser.Parse(line);
            if (account.Format == ExampleFormat.Auto) (account.Format, account.FormatReason) = parser.Detect(row, line.Number);
            return parser.Example(row, account.Format, line);
        }
        catch (DataException e) when (options.SkipBad)
        {
            account.Skipped++;
            if (account.Messages.Count < 10) account.Messages.Add(e.Message);
            return null;
        }
    }

    private static bool IsBlank(ReadOnlySpan<byte> bytes) => bytes.IndexOfAnyExcept((byte)' ', (byte)'\t', (byte)'\r') < 0;
}
