using System.Globalization;
using KernelTune.Text;

namespace KernelTune.Data;

/// <summary>
/// T5's denoising (Raffel et al., 2020): spans of the text are each replaced by a sentinel; the target lists every sentinel with what stood there, then one more sentinel, then the end.
/// </summary>
public sealed record SpanCorruption
{
    /// <summary>The sentinels' ids, in the order of use: &lt;extra_id_0&gt; first.</summary>
    public required IReadOnlyList<int> Sentinels { get; init; }

    public required int EndTokenId { get; init; }

    /// <summary>Whether the target ends with one more sentinel, as in the paper.</summary>
    public bool FinalSentinel { get; init; } = true;

    /// <summary>The share of tokens that are in spans.</summary>
    public double NoiseDensity { get; init; } = 0.15;

    public double MeanSpanLength { get; init; } = 3;

    /// <summary>The ids of &lt;extra_id_0&gt;, &lt;extra_id_1&gt; …, as far as the tokenizer has them.</summary>
    public static IReadOnlyList<int> SentinelsOf(Tokenizer tokenizer)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        var ids = new List<int>();
        while (tokenizer.TokenToId(string.Create(CultureInfo.InvariantCulture, $"<extra_id_{ids.Count}>")) is { } id) ids.Add(id);
        return ids;
    }

    /// <summary>What the encoder reads, and what the decoder is to say.</summary>
    /// <param name="ids">The text, without an end token.</param>
    /// <param name="spans">Ascending, apart from one another, within the text.</param>
    /// <exception cref="ArgumentException">Spans that are not so, or more than there are sentinels for.</exception>
    public (int[] Input, int[] Labels) Apply(ReadOnlySpan<int> ids, IReadOnlyList<(int Start, int Length)> spans)
    {
        ArgumentNullException.ThrowIfNull(spans);
        int needed = spans.Count + (FinalSentinel ? 1 : 0);
        if (needed > Sentinels.Count) throw new ArgumentException($"{needed} sentinels wanted, {Sentinels.Count} were found", nameof(spans));
        List<int> input = new(ids.Length + 1), labels = [];
        int at = 0;
        for (int i = 0; i < spans.Count; i++)
        {
            (int start, int length) = spans[i];
            if (start < at || length < 0 || length > ids.Length - start) throw new ArgumentException($"the span of {length} tokens from {start} is not within {at} to {ids.Length}", nameof(spans));
            input.AddRange(ids[at..start]);
            input.Add(Sentinels[i]);
            labels.Add(Sentinels[i]);
            labels.AddRange(ids.Slice(start, length));
            at = start + length;
        }

        input.AddRange(ids[at..]);
        input.Add(EndTokenId);
        if (FinalSentinel) labels.Add(Sentinels[spans.Count]);
        labels.Add(EndTokenId);
        return ([.. input], [.. labels]);
    }

    /// <summary>
    /// Spans that the seed, the epoch and the row's number decide, as T5's random_spans_noise_mask draws them: round(density · length) tokens in round(that / mean length) spans, both the
    /// spans and the gaps between them a random partition, the text beginning with a gap. No more spans than there are sentinels for.
    /// </summary>
    public IReadOnlyList<(int Start, int Length)> Draw(int length, long seed, long epoch, long row)
    {
        if (!(NoiseDensity is > 0 and < 1 && MeanSpanLength >= 1)) throw new ArgumentException($"a noise density of {NoiseDensity} in spans of {MeanSpanLength} was found, more than 0 and less than 1 in spans of 1 or more wanted");
        if (length < 2) return [];
        int noise = Math.Clamp((int)Math.Round(length * NoiseDensity, MidpointRounding.ToEven), 1, length - 1);
        int room = Sentinels.Count - (FinalSentinel ? 1 : 0);
        int count = Math.Min(Math.Min(Math.Max(1, (int)Math.Round(noise / MeanSpanLength, MidpointRounding.ToEven)), Math.Min(noise, length - noise)), room);
        if (count < 1) return [];
        ulong stream = SeededOrder.Stream(unchecked((ulong)epoch), unchecked((ulong)row));
        int[] lengths = Partition(noise, count, seed, stream, 0), gaps = Partition(length - noise, count, seed, stream, 1UL << 32);
        var spans = new (int, int)[count];
        for (int i = 0, at = 0; i < count; i++)
        {
            at += gaps[i];
            spans[i] = (at, lengths[i]);
            at += lengths[i];
        }

        return spans;
    }

    /// <summary>Some number of tokens in <paramref name="parts"/> parts of one or more, each way of cutting equally likely: parts − 1 cuts out of total − 1 places.</summary>
    private static int[] Partition(int total, int parts, long seed, ulong stream, ulong first)
    {
        var result = new int[parts];
        int wanted = parts - 1, part = 0, length = 1;
        for (int place = 1; place < total; place++)
        {
            // Selection sampling (Knuth, algorithm S): the place is taken with probability wanted / places left.
            if (SeededOrder.Below(total - place, seed, stream, first + (ulong)place) < wanted)
            {
                result[part++] = length;
                (length, wanted) = (0, wanted - 1);
            }

            length++;
        }

        result[part] = length;
        return result;
    }
}
