using System.Globalization;
using KernelTune.Text.Normalizers;
using KernelTune.Text.Pipeline;
using KernelTune.Text.PreTokenizers;

namespace KernelTune.Text.Training;

/// <summary>Trains a Unigram model (Kudo, 2018, as SentencePiece and Hugging Face's trainer do it): from many pieces, expectation and maximization, then the pieces whose loss costs least likelihood
/// go, until the size is reached. The same texts, in whatever order, give the same tokenizer.</summary>
public static class UnigramTrainer
{
    private const double LeastExpected = 0.5;
    private const double ScoreStep = 0.0001;
    private const int LongestPiece = 512;       // SentencePiece's own limit

    /// <summary>Trains on <paramref name="texts"/>.</summary>
    /// <exception cref="ArgumentException">The vocabulary is too small for the characters and the special tokens, a setting is out of its range, or a special token is empty, comes twice or is missing.</exception>
    public static Tokenizer Train(IEnumerable<string> texts, UnigramTrainerOptions options, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(texts);
        ArgumentNullException.ThrowIfNull(options);
        WordCounts.CheckSpecial(options.SpecialTokens);
        int unknown = options.SpecialTokens.ToList().IndexOf(options.Config.UnknownToken ?? "");
        if (unknown < 0) throw new ArgumentException($"the config's unknown token \"{options.Config.UnknownToken}\" is not among the special tokens", nameof(options));
        Check(options);

        var normalizer = new NormalizerSequence([new Nmt(), new UnicodeForm(compose: true, compatible: true), new Replace(PatternKey.Own(" {2,}", "the trainer"), " "), .. options.Lowercase ? [new Lowercase()] : Array.Empty<Normalizer>()]);
        var words = WordCounts.Of(texts, normalizer, new Metaspace('▁', PrependScheme.Always, split: true), cancellation).OrderBy(w => w.Key, StringComparer.Ordinal).ToList();
        if (words.Count == 0) throw new ArgumentException("there is no text to train on", nameof(texts));
        var characters = Covered(words, options.CharacterCoverage);
        int size = options.VocabSize - options.SpecialTokens.Count;
        if (characters.Count > size)
            throw new ArgumentException(string.Create(CultureInfo.InvariantCulture, $"vocab_size {options.VocabSize} is less than the special tokens and the characters: {options.SpecialTokens.Count + characters.Count}"), nameof(options));

        var pieces = LogShares(SeedPieces.Find([.. words.Select(w => w.Key)], characters, options.MaxPieceLength, options.SeedSize, cancellation));
        int enough = size * 11 / 10;
        while (true)
        {
            for (int i = 0; i < options.SubIterations; i++) pieces = Maximized(pieces, words, cancellation);
            if (pieces.Count <= enough) break;
            int before = pieces.Count;
            pieces = Pruned(pieces, words, Math.Max(enough, (int)(pieces.Count * options.ShrinkingFactor)), cancellation);
            if (pieces.Count == before) break;      // nothing more can go
        }

        var final = Final(pieces, characters, size);
        var sketch = new TokenizerSketch
        {
            Model = new UnigramSketch([.. options.SpecialTokens.Select(t => (t, 0.0)), .. final], unknown),
            Added = [.. options.SpecialTokens.Select((t, id) => new AddedToken { Id = id, Content = t, Special = true })],
            Normalizer = $$"""{"type":"Sequence","normalizers":[{"type":"Nmt"},{"type":"NFKC"},{"type":"Replace","pattern":{"Regex":" {2,}"},"content":" "}{{(options.Lowercase ? ",{\"type\":\"Lowercase\"}" : "")}}]}""",
            PreTokenizer = """{"type":"Metaspace","replacement":"▁","prepend_scheme":"always","split":true}""",
            Decoder = """{"type":"Metaspace","replacement":"▁","prepend_scheme":"always","split":true}""",
        };
        return Tokenizer.Parse(sketch.ToJson(), "trained tokenizer", options.Config);
    }

    private static void Check(UnigramTrainerOptions options)
    {
        void Require(bool holds, string name, double value, string wanted)
        {
            if (!holds) throw new ArgumentException(string.Create(CultureInfo.InvariantCulture, $"{name} {value} must {wanted}"), nameof(options));
        }
        Require(options.VocabSize > options.SpecialTokens.Count, "vocab_size", options.VocabSize, $"be above the {options.SpecialTokens.Count} special tokens");
        Require(options.ShrinkingFactor is > 0 and < 1, "shrinking_factor", options.ShrinkingFactor, "lie between 0 and 1");
        Require(options.SubIterations >= 1, "num_sub_iterations", options.SubIterations, "be at least 1");
        Require(options.MaxPieceLength is >= 1 and <= LongestPiece, "max_piece_length", options.MaxPieceLength, $"lie from 1 to {LongestPiece}");
        Require(options.SeedSize >= options.VocabSize, "seed_size", options.SeedSize, $"not be below vocab_size {options.VocabSize}, which it is pruned to");
        Require(options.CharacterCoverage is > 0 and <= 1, "character_coverage", options.CharacterCoverage, "be above 0 and not above 1");
    }

    /// <summary>The characters, most frequent first, until they make up the share that is asked for.</summary>
    private static List<(int Character, long Count)> Covered(List<KeyValuePair<string, long>> words, double share)
    {
        var all = WordCounts.CodePoints(words).OrderByDescending(c => c.Value).ThenBy(c => c.Key).Select(c => (c.Key, c.Value)).ToList();
        double whole = all.Sum(c => (double)c.Value), sum = 0;
        int count = 0;
        while (count < all.Count && sum < whole * share) sum += all[count++].Value;
        return all[..count];
    }

    private static List<(string, double)> LogShares(List<(string Piece, double Weight)> seeds)
    {
        double logSum = Math.Log(seeds.Sum(s => s.Weight));
        return [.. seeds.Select(s => (s.Piece, Math.Log(s.Weight) - logSum))];
    }

    /// <summary>One round: how often each piece is expected, then scores that make that most likely, under a prior that favours few pieces (hence the digamma function).</summary>
    private static List<(string Piece, double Score)> Maximized(List<(string Piece, double Score)> pieces, List<KeyValuePair<string, long>> words, CancellationToken cancellation)
    {
        double[] expected = new double[pieces.Count];
        var lattice = new PieceLattice(pieces);
        foreach (var (word, count) in words)
        {
            cancellation.ThrowIfCancellationRequested();
            lattice.Read(word);
            lattice.AddExpected(count, expected);
        }
        double logSum = Digamma(expected.Where(e => e >= LeastExpected).Sum());
        return [.. pieces.Select((p, id) => (p.Piece, expected[id])).Where(p => p.Item2 >= LeastExpected).Select(p => (p.Piece, Digamma(p.Item2) - logSum))];
    }

    /// <summary>The pieces that are kept: those that nothing can stand for, then those without which the texts would be least likely.</summary>
    private static List<(string, double)> Pruned(List<(string Piece, double Score)> pieces, List<KeyValuePair<string, long>> words, int size, CancellationToken cancellation)
    {
        var lattice = new PieceLattice(pieces);
        double[] used = new double[pieces.Count], within = new double[pieces.Count];
        double all = 0;
        foreach (var (word, count) in words)
        {
            cancellation.ThrowIfCancellationRequested();
            lattice.Read(word);
            var best = lattice.Best(out _);
            foreach (int id in best)
                if (id >= 0) used[id] += count;
            foreach (int id in best.Distinct())
                if (id >= 0) within[id] += count;
            all += count;
        }
        double sum = used.Sum();
        var kept = new List<(string, double)>();
        var candidates = new List<(int Id, double Loss)>();
        for (int id = 0; id < pieces.Count; id++)
        {
            lattice.Read(pieces[id].Piece);
            var others = lattice.Best(out double without, id);
            bool single = others.Count == 0 || others is [-1];      // a character: nothing else stands for it
            if (single)
            {
                kept.Add(pieces[id]);
                continue;
            }
            if (used[id] == 0) continue;
            if (without > pieces[id].Score)
            {
                kept.Add(pieces[id]);
                continue;
            }
            double logSum = Math.Log(sum + used[id] * (others.Count - 1));
            double alternative = others.Sum(o => Math.Log((o >= 0 ? used[o] : 0) + used[id]) - logSum);
            candidates.Add((id, within[id] / all * (Math.Log(used[id]) - Math.Log(sum) - alternative)));
        }
        foreach (var (id, _) in candidates.OrderByDescending(c => c.Loss).ThenBy(c => c.Id).Take(Math.Max(0, size - kept.Count))) kept.Add(pieces[id]);
        return kept;
    }

    /// <summary>Every character and the likeliest pieces; a character that is no piece any more comes below all others.</summary>
    private static List<(string Piece, double Score)> Final(List<(string Piece, double Score)> pieces, List<(int Character, long Count)> characters, int size)
    {
        var scores = pieces.ToDictionary(p => p.Piece, p => p.Score, StringComparer.Ordinal);
        double least = pieces.Count == 0 ? 0 : pieces.Min(p => p.Score);
        var final = new Dictionary<string, double>(StringComparer.Ordinal);
        foreach (var (character, _) in characters)
        {
            string text = WordCounts.Text(character);
            final[text] = scores.TryGetValue(text, out double score) ? score : least -= ScoreStep;
        }
        foreach (var (piece, score) in pieces.OrderByDescending(p => p.Score).ThenBy(p => p.Piece, StringComparer.Ordinal))
        {
            if (final.Count == size) break;
            final.TryAdd(piece, score);
        }
        return [.. final.OrderByDescending(p => p.Value).ThenBy(p => p.Key, StringComparer.Ordinal).Select(p => (p.Key, p.Value))];
    }

    /// <summary>ψ(x), by recurrence up to 7 and the asymptotic series beyond.</summary>
    private static double Digamma(double x)
    {
        double result = 0;
        for (; x < 7; x++) result -= 1 / x;
        x -= 0.5;
        double xx = 1 / (x * x);
        return result + Math.Log(x) + (1.0 / 24 - (7.0 / 960 - (31.0 / 8064 - 127.0 / 30720 * xx) * xx) * xx) * xx;
    }
}
