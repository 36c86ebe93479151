using System.Runtime.InteropServices;
using KernelTune.Text.Normalizers;
using KernelTune.Text.Pipeline;
using KernelTune.Text.PreTokenizers;

namespace KernelTune.Text.Training;

/// <summary>The pieces of training texts, and how often each is seen.</summary>
internal static class WordCounts
{
    public static Dictionary<string, long> Of(IEnumerable<string> texts, Normalizer? normalizer, PreTokenizer split, CancellationToken cancellation)
    {
        var counts = new Dictionary<string, long>(StringComparer.Ordinal);
        var bySpan = counts.GetAlternateLookup<ReadOnlySpan<char>>();
        foreach (string text in texts)
        {
            cancellation.ThrowIfCancellationRequested();
            var piece = new Piece(text);
            foreach (var part in split.Split([normalizer?.Apply(piece) ?? piece])) CollectionsMarshal.GetValueRefOrAddDefault(bySpan, part.Span, out _)++;
        }
        return counts;
    }

    /// <summary>How often each code point is seen.</summary>
    public static Dictionary<int, long> CodePoints(IEnumerable<KeyValuePair<string, long>> words)
    {
        var counts = new Dictionary<int, long>();
        foreach (var (word, count) in words)
        {
            for (int i = 0; i < word.Length;)
            {
                CollectionsMarshal.GetValueRefOrAddDefault(counts, Unicode.CodePoints.At(word, i, out int units), out _) += count;
                i += units;
            }
        }
        return counts;
    }

    /// <summary>The code point as a text; half of a surrogate pair is one too.</summary>
    public static string Text(int codePoint) => codePoint < 0x10000 ? ((char)codePoint).ToString() : char.ConvertFromUtf32(codePoint);

    /// <exception cref="ArgumentException">A special token is empty or comes twice.</exception>
    public static void CheckSpecial(IReadOnlyList<string> tokens)
    {
        if (tokens.Any(string.IsNullOrEmpty)) throw new ArgumentException("a special token is empty", nameof(tokens));
        if (tokens.Distinct(StringComparer.Ordinal).Count() != tokens.Count) throw new ArgumentException("a special token comes twice", nameof(tokens));
    }
}
