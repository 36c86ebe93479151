using System.Globalization;
using KernelTune.Text.Normalizers;
using KernelTune.Text.PreTokenizers;
using KernelTune.Text.Unicode;

namespace KernelTune.Text.Training;

/// <summary>Trains a WordPiece vocabulary as Hugging Face's trainer does: byte-pair merges over characters, of which those within a word are written with ##. Of pairs seen equally often the
/// one with the lowest ids comes first; the same texts, in whatever order, give the same tokenizer.</summary>
public static class WordPieceTrainer
{
    private const string Prefix = "##";

    /// <summary>Trains on <paramref name="texts"/>.</summary>
    /// <exception cref="ArgumentException">The vocabulary is too small for the characters and the special tokens, a limit is out of its range, or a special token is empty, comes twice or is missing.</exception>
    public static Tokenizer Train(IEnumerable<string> texts, WordPieceTrainerOptions options, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(texts);
        ArgumentNullException.ThrowIfNull(options);
        WordCounts.CheckSpecial(options.SpecialTokens);
        foreach (string? token in new[] { options.Config.UnknownToken, options.Config.ClsToken, options.Config.SepToken })
            if (token is null || !options.SpecialTokens.Contains(token)) throw new ArgumentException($"the config's token \"{token}\" is not among the special tokens", nameof(options));

        if (options.MinFrequency < 0) throw new ArgumentException($"min_frequency {options.MinFrequency} is below 0", nameof(options));
        if (options.LimitAlphabet < 1) throw new ArgumentException($"limit_alphabet {options.LimitAlphabet} is below 1; null keeps all characters", nameof(options));

        var normalizer = new BertNormalizer(cleanText: true, chineseCharacters: true, stripAccents: options.Lowercase, lowercase: options.Lowercase);
        var words = WordCounts.Of(texts, normalizer, CharacterSplit.Bert(), cancellation);
        var tokens = new List<string>(options.SpecialTokens);
        var ids = new Dictionary<string, int>(StringComparer.Ordinal);
        for (int i = 0; i < tokens.Count; i++) ids[tokens[i]] = i;
        var alphabet = WordCounts.CodePoints(words).OrderByDescending(c => c.Value).ThenBy(c => c.Key).Take(options.LimitAlphabet ?? int.MaxValue).Select(c => c.Key).ToHashSet();
        foreach (int c in alphabet.Order()) IdOf(WordCounts.Text(c));
        var rows = words.OrderBy(w => w.Key, StringComparer.Ordinal).Select(w => (Row(w.Key), w.Value)).ToList();
        if (tokens.Count > options.VocabSize)
            throw new ArgumentException(string.Create(CultureInfo.InvariantCulture, $"vocab_size {options.VocabSize} is less than the special tokens and the characters: {tokens.Count}"), nameof(options));

        var pairs = new PairTable(rows);
        while (tokens.Count < options.VocabSize && pairs.TryTakeMostFrequent(Math.Max(1, options.MinFrequency), out int left, out int right))
        {
            cancellation.ThrowIfCancellationRequested();
            string second = tokens[right];
            pairs.Merge(left, right, IdOf(tokens[left] + (second.StartsWith(Prefix, StringComparison.Ordinal) ? second[Prefix.Length..] : second)));
        }
        byte[] lines = System.Text.Encoding.UTF8.GetBytes(string.Join('\n', tokens));
        return Tokenizer.FromWordPiece(lines, "trained tokenizer", options.Config, new VocabularyOptions { Lowercase = options.Lowercase, AddedTokens = [.. options.SpecialTokens.Select((t, id) => new AddedToken { Id = id, Content = t, Special = true })] });

        int IdOf(string token)
        {
            if (ids.TryGetValue(token, out int id)) return id;
            ids[token] = tokens.Count;
            tokens.Add(token);
            return tokens.Count - 1;
        }

        int[] Row(string word)
        {
            var row = new List<int>(word.Length);
            for (int i = 0; i < word.Length;)
            {
                int c = CodePoints.At(word, i, out int units);
                if (alphabet.Contains(c)) row.Add(IdOf(i == 0 ? WordCounts.Text(c) : Prefix + WordCounts.Text(c)));
                i += units;
            }
            return [.. row];
        }
    }
}
