using System.Globalization;
using KernelTune.Text.Models;
using KernelTune.Text.Pipeline;
using KernelTune.Text.PreTokenizers;
using KernelTune.Text.Unicode;

namespace KernelTune.Text.Training;

/// <summary>Trains a byte-level BPE (Sennrich et al., 2016; Radford et al., 2019): again and again the pair of neighbouring tokens that is seen most often becomes one.
/// Of pairs seen equally often the one whose left token has the lower id comes first, then the lower right one: the same texts, in whatever order, give the same
/// tokenizer, and the one that Hugging Face's trainer gives.</summary>
public static class BpeTrainer
{
    /// <summary>Trains on <paramref name="texts"/>.</summary>
    /// <exception cref="ArgumentException">The vocabulary is too small for the bytes and the special tokens, or a special token is empty or comes twice.</exception>
    public static Tokenizer Train(IEnumerable<string> texts, BpeTrainerOptions options, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(texts);
        ArgumentNullException.ThrowIfNull(options);
        Check(options);
        var tokens = new List<string>(options.SpecialTokens);
        var ids = new Dictionary<string, int>(StringComparer.Ordinal);
        for (int i = 0; i < tokens.Count; i++) ids[tokens[i]] = i;
        foreach (char c in Enumerable.Range(0, 256).Select(b => ByteAlphabet.Of((byte)b)).Order())
        {
            if (ids.TryAdd(c.ToString(), tokens.Count)) tokens.Add(c.ToString());
        }

        var merges = Merge(new PairTable(Rows(texts, ids, options, cancellation)), tokens, ids, options, cancellation);
        var sketch = new TokenizerSketch
        {
            Model = new BpeSketch(tokens, merges),
            Added = [.. options.SpecialTokens.Select((t, id) => new AddedToken { Id = id, Content = t, Special = true })],
            PreTokenizer = PreTokenizerJson(options),
            Decoder = """{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":true,"use_regex":true}""",
        };
        return Tokenizer.Parse(sketch.ToJson(), "trained tokenizer", options.Config);
    }

    private static void Check(BpeTrainerOptions options)
    {
        WordCounts.CheckSpecial(options.SpecialTokens);
        int least = options.SpecialTokens.Count(t => t.Length > 1 || ByteAlphabet.ByteOf(t[0]) < 0) + 256;
        if (options.VocabSize < least)
            throw new ArgumentException(string.Create(CultureInfo.InvariantCulture, $"vocab_size {options.VocabSize} is less than 256 bytes and the special tokens: {least}"), nameof(options));
        if (options.MinFrequency < 0) throw new ArgumentException($"min_frequency {options.MinFrequency} is below 0", nameof(options));
    }

    private static string PreTokenizerJson(BpeTrainerOptions options)
    {
        string bytes = $$"""{"type":"ByteLevel","add_prefix_space":{{(options.AddPrefixSpace ? "true" : "false")}},"trim_offsets":true,"use_regex":true}""";
        return options.IndividualDigits ? $$$"""{"type":"Sequence","pretokenizers":[{"type":"Digits","individual_digits":true},{{{bytes}}}]}""" : bytes;
    }

    private static IEnumerable<(int[], long)> Rows(IEnumerable<string> texts, Dictionary<string, int> ids, BpeTrainerOptions options, CancellationToken cancellation)
    {
        PreTokenizer split = new ByteLevel(options.AddPrefixSpace, useRegex: true, spell: false);
        if (options.IndividualDigits) split = new PreTokenizerSequence([CharacterSplit.Digits(individual: true), split]);
        foreach (var (word, count) in WordCounts.Of(texts, null, split, cancellation))
        {
            byte[] utf8 = new byte[word.Length * 3];
            int length = CodePoints.WriteUtf8(word, utf8);
            yield return (Array.ConvertAll(utf8[..length], b => ids[ByteAlphabet.Of(b).ToString()]), count);
        }
    }

    private static List<(string, string)> Merge(PairTable pairs, List<string> tokens, Dictionary<string, int> ids, BpeTrainerOptions options, CancellationToken cancellation)
    {
        var merges = new List<(string, string)>();
        while (tokens.Count < options.VocabSize && pairs.TryTakeMostFrequent(Math.Max(1, options.MinFrequency), out int left, out int right))
        {
            cancellation.ThrowIfCancellationRequested();
            string token = tokens[left] + tokens[right];
            if (!ids.TryGetValue(token, out int id))
            {
                id = tokens.Count;
                ids[token] = id;
                tokens.Add(token);
            }
            merges.Add((tokens[left], tokens[right]));
            pairs.Merge(left, right, id);
        }
        return merges;
    }
}
