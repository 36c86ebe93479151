using System.Text.Json;
using System.Text.Json.Serialization;

namespace KernelTune.Data;

/// <summary>What is to be known of a run's data.</summary>
/// <param name="Splits">Training, and what is validated and tested on.</param>
public sealed record DataReport(IReadOnlyList<SplitReport> Splits)
{
    /// <summary>The report as JSON, indented, names in snake_case.</summary>
    public byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(this, ReportJson.Default.DataReport);
}

/// <summary>What is to be known of one part of the data.</summary>
public sealed record SplitReport
{
    /// <summary>"train", "validation", "test".</summary>
    public required string Name { get; init; }

    /// <summary>What each file is, and what became of it; empty where the rows were held out of the training files.</summary>
    public IReadOnlyList<FileReport> Files { get; init; } = [];

    /// <summary>Rows, each of one example: before they are packed and weighed.</summary>
    public required int Rows { get; init; }

    /// <summary>What lengths count: "tokens", or "characters" where there is no tokenizer.</summary>
    public required string Unit { get; init; }

    public required LengthQuantiles Lengths { get; init; }

    /// <summary>Tokens in all rows, and those of them that carry loss; without a tokenizer characters, all of them.</summary>
    public required long Total { get; init; }

    public required long Labelled { get; init; }

    /// <summary>Rows with the same tokens as a row before them.</summary>
    public required int Duplicates { get; init; }

    /// <summary>Rows with the same tokens as a training row; null for training itself.</summary>
    public int? AlsoInTrain { get; init; }

    /// <summary>Examples of each class or label, the most frequent first, at most a hundred; empty where rows have none.</summary>
    public IReadOnlyList<LabelCount> Labels { get; init; } = [];

    /// <summary>The split in a sentence.</summary>
    public string Sentence()
    {
        List<string> also = [];
        long cut = Files.Sum(f => f.Truncated), unlabelled = Files.Sum(f => f.WithoutLabel), skipped = Files.Sum(f => f.Skipped);
        if (cut > 0) also.Add($"{Text(cut)} cut");
        if (unlabelled > 0) also.Add($"{Text(unlabelled)} without a label left out");
        if (skipped > 0) also.Add($"{Text(skipped)} that cannot be read left out");
        if (Duplicates > 0) also.Add($"{Text(Duplicates)} the same as one before");
        if (AlsoInTrain is > 0 and { } both) also.Add($"{Text(both)} also in train");
        if (Labels.Count > 0) also.Add(string.Join(", ", Labels.Take(4).Select(l => $"{l.Label} {Text(l.Count)}")) + (Labels.Count > 4 ? ", …" : ""));
        return $"{Name}: {Text(Rows)} rows of {Text(Lengths.Least)} to {Text(Lengths.Most)} {Unit}, half of them up to {Text(Lengths.Median)}" + (also.Count > 0 ? $"; {string.Join("; ", also)}" : "");
    }

    private static string Text(long number) => number.ToString("N0", System.Globalization.CultureInfo.InvariantCulture);
}

/// <summary>What became of one file.</summary>
/// <param name="Path">Where it is.</param>
/// <param name="Detected">What it is and what its rows are.</param>
/// <param name="Examples">Examples read.</param>
/// <param name="Skipped">Rows left out because they could not be used.</param>
/// <param name="SkippedBecause">The first of the reasons.</param>
/// <param name="Truncated">Rows cut to max_length.</param>
/// <param name="TokensCut">Tokens that fell away.</param>
/// <param name="WithoutLabel">Rows left out because no label was left to learn from.</param>
/// <param name="WithoutLabelShare">Their share of the examples.</param>
public sealed record FileReport(
    string Path, string Detected, long Examples, long Skipped, IReadOnlyList<string> SkippedBecause, long Truncated, long TokensCut, long WithoutLabel, double WithoutLabelShare)
{
    internal static FileReport Of(FileAccount account) => new(
        account.File,
        account.Reading.Detected(),
        account.Preparation.Examples,
        account.Reading.Skipped,
        account.Reading.SkippedMessages,
        account.Preparation.Truncated,
        account.Preparation.TokensCut,
        account.Preparation.Dropped,
        account.Preparation.Examples == 0 ? 0 : (double)account.Preparation.Dropped / account.Preparation.Examples);
}

/// <summary>How often a class or label comes.</summary>
public sealed record LabelCount(string Label, long Count);

/// <summary>Lengths in order: the value that the named share of rows does not exceed (the nearest rank).</summary>
public sealed record LengthQuantiles(int Least, int P5, int P25, int Median, int P75, int P95, int P99, int Most, double Mean)
{
    /// <exception cref="ArgumentException">There are no lengths.</exception>
    public static LengthQuantiles Of(IEnumerable<int> lengths)
    {
        int[] sorted = [.. lengths.Order()];
        if (sorted.Length == 0) throw new ArgumentException("at least one length wanted", nameof(lengths));
        int At(double share) => sorted[Math.Clamp((int)Math.Ceiling(share * sorted.Length) - 1, 0, sorted.Length - 1)];
        return new LengthQuantiles(sorted[0], At(0.05), At(0.25), At(0.5), At(0.75), At(0.95), At(0.99), sorted[^1], sorted.Average(n => (double)n));
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true)]
[JsonSerializable(typeof(DataReport))]
internal sealed partial class ReportJson : JsonSerializerContext;
