using System.Text;

namespace KernelTune.Evaluation.Metrics;

/// <summary>The share of answers that are exactly right.</summary>
public sealed class ExactMatch
{
    /// <summary>How many answers have been judged.</summary>
    public int Count { get; private set; }

    /// <summary>How many of them were right.</summary>
    public int Right { get; private set; }

    /// <summary>right / count, from 0 to 1; NaN while there is none.</summary>
    public double Score => Count == 0 ? double.NaN : Right / (double)Count;

    /// <summary>Judges one answer and says whether it was right: equal to any of the references, white space at both ends apart.</summary>
    public bool Add(string answer, params IReadOnlyList<string> references)
    {
        bool right = references.Any(r => answer.AsSpan().Trim().SequenceEqual(r.AsSpan().Trim()));
        return Judge(right);
    }

    /// <summary>Judges one answer as SQuAD does: both sides normalised first (<see cref="Normalize"/>).</summary>
    public bool AddNormalized(string answer, params IReadOnlyList<string> references)
    {
        string own = Normalize(answer);
        return Judge(references.Any(r => Normalize(r) == own));
    }

    /// <summary>SQuAD's form of an answer: lower case, without ASCII punctuation, without a, an, the, with single spaces (Rajpurkar et al., 2016).</summary>
    public static string Normalize(string answer)
    {
        var kept = new StringBuilder(answer.Length);
        foreach (char c in answer.ToLowerInvariant())
            if (!(c < 128 && (char.IsPunctuation(c) || char.IsSymbol(c))))
                kept.Append(c);
        IEnumerable<string> words = WithoutArticles(kept.ToString()).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        return string.Join(' ', words);
    }

    private bool Judge(bool right)
    {
        Count++;
        Right += right ? 1 : 0;
        return right;
    }

    /// <summary>An article is a whole word, whatever surrounds it: \b(a|an|the)\b.</summary>
    private static string WithoutArticles(string text)
    {
        var result = new StringBuilder(text.Length);
        for (int at = 0; at < text.Length;)
        {
            int end = at;
            while (end < text.Length && IsWord(text[end]))
                end++;
            if (end == at)
            {
                result.Append(text[at++]);
                continue;
            }

            string word = text[at..end];
            result.Append(word is "a" or "an" or "the" ? " " : word);
            at = end;
        }

        return result.ToString();

        static bool IsWord(char c) => char.IsLetterOrDigit(c) || c == '_' || char.IsSurrogate(c);
    }
}
