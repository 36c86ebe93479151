using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace KernelTune.Data;

/// <summary>What a report needs of one row.</summary>
/// <param name="Content">128 bits of the SHA-256 of its tokens, or of its text.</param>
/// <param name="Length">Its tokens.</param>
/// <param name="Labelled">Those that carry loss.</param>
/// <param name="File">The number of its file.</param>
internal readonly record struct RowFact(UInt128 Content, int Length, int Labelled, int File);

/// <summary>What a report needs of many rows, gathered one after the other.</summary>
internal sealed class RowFacts
{
    private const int MostLabels = 100_000;

    private readonly Dictionary<string, long> _labels = new(StringComparer.Ordinal);

    public List<RowFact> Rows { get; } = [];

    public void Add(TokenRow row, int file)
    {
        // Behind a source the first label is asked for too.
        int[] all = row.Source is { } source ? [.. source, TokenRow.Ignored, .. row.Ids] : row.Ids;
        ReadOnlySpan<int> labels = row.Source is null ? row.Labels.AsSpan(1..) : row.Labels;
        Rows.Add(new RowFact(Hash(MemoryMarshal.AsBytes<int>(all)), row.Ids.Length + (row.Source?.Length ?? 0), labels.Length - labels.Count(TokenRow.Ignored), file));
    }

    /// <summary>Counts the classes and labels that an example has.</summary>
    public void Count(Example example)
    {
        switch (example)
        {
            case ClassificationExample one:
                CountLabel(one.Label);
                break;
            case JudgedExample judged:
                CountLabel(judged.Label ? "good" : "bad");
                break;
            case TokenLabelsExample words:
                foreach (string label in words.Labels) CountLabel(label);
                break;
        }
    }

    public static UInt128 Hash(ReadOnlySpan<byte> content)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(content, hash);
        return MemoryMarshal.Read<UInt128>(hash);
    }

    /// <summary>The report of some of the rows.</summary>
    /// <param name="name">The split's.</param>
    /// <param name="chosen">The rows' numbers; null: all.</param>
    /// <param name="files">The accounts of its files.</param>
    /// <param name="train">What training rows hold; null for training.</param>
    /// <param name="unit">What lengths count.</param>
    public SplitReport Report(string name, IReadOnlyList<int>? chosen, IReadOnlyList<FileAccount> files, IReadOnlySet<UInt128>? train, string unit = "tokens")
    {
        IEnumerable<RowFact> rows = chosen is null ? Rows : chosen.Select(i => Rows[i]);
        var seen = new HashSet<UInt128>();
        int count = 0, duplicates = 0, both = 0;
        long total = 0, labelled = 0;
        foreach (RowFact row in rows)
        {
            count++;
            total += row.Length;
            labelled += row.Labelled;
            if (!seen.Add(row.Content)) duplicates++;
            if (train?.Contains(row.Content) == true) both++;
        }

        return new SplitReport
        {
            Name = name,
            Files = [.. files.Select(FileReport.Of)],
            Rows = count,
            Unit = unit,
            Lengths = LengthQuantiles.Of(rows.Select(r => r.Length)),
            Total = total,
            Labelled = labelled,
            Duplicates = duplicates,
            AlsoInTrain = train is null ? null : both,
            Labels = chosen is null || train is null ? [.. _labels.OrderByDescending(l => l.Value).ThenBy(l => l.Key, StringComparer.Ordinal).Take(100).Select(l => new LabelCount(l.Key, l.Value))] : [],
        };
    }

    public HashSet<UInt128> Contents(IEnumerable<int>? chosen) => chosen is null ? [.. Rows.Select(r => r.Content)] : [.. chosen.Select(i => Rows[i].Content)];

    private void CountLabel(string label)
    {
        if (_labels.Count < MostLabels || _labels.ContainsKey(label)) _labels[label] = _labels.GetValueOrDefault(label) + 1;
    }
}
