using System.Text;
using KernelTune.Text.Chat;

namespace KernelTune.Data;

/// <summary>TRL's conversions of preference data.</summary>
public static class PreferenceConversions
{
    private const int RowsAtATime = 1000;

    /// <summary>
    /// The pair with its prompt: where it has none, or one of another kind than the answers (then they hold it too), what both answers begin with becomes the prompt. In texts a space before
    /// the place where they part goes to the answers; of answers of which one is the beginning of the other, the last character or message of that is not taken.
    /// </summary>
    public static PreferenceExample WithPrompt(PreferenceExample pair)
    {
        ArgumentNullException.ThrowIfNull(pair);
        if (pair.Prompt is { } prompt && prompt.Messages is null == (pair.Chosen.Messages is null)) return pair;
        if (pair is { Chosen.Messages: { } chosen, Rejected.Messages: { } rejected })
        {
            int shared = Shared(chosen.Count, rejected.Count, i => Passage.Same(chosen[i], rejected[i]), _ => false);
            return pair with { Prompt = new Passage(chosen.Take(shared).ToArray()), Chosen = new Passage(chosen.Skip(shared).ToArray()), Rejected = new Passage(rejected.Skip(shared).ToArray()) };
        }

        // An answer in messages beside one in text: nothing is shared.
        if (pair is not { Chosen.Text: { } better, Rejected.Text: { } worse }) return pair with { Prompt = new Passage("") };
        Rune[] a = [.. better.EnumerateRunes()], b = [.. worse.EnumerateRunes()];
        int begin = Shared(a.Length, b.Length, i => a[i] == b[i], i => a[i].Value == ' ');
        return pair with { Prompt = new Passage(TextOf(a.AsSpan(0, begin))), Chosen = new Passage(TextOf(a.AsSpan(begin))), Rejected = new Passage(TextOf(b.AsSpan(begin))) };
    }

    /// <summary>Pairs as single answers with a label: of every 1000 pairs first the better answers, then the worse ones.</summary>
    public static IEnumerable<JudgedExample> Unpaired(IEnumerable<PreferenceExample> pairs)
    {
        ArgumentNullException.ThrowIfNull(pairs);
        foreach (PreferenceExample[] some in pairs.Chunk(RowsAtATime))
        {
            foreach (PreferenceExample pair in some) yield return new JudgedExample(pair.Line, pair.Prompt, pair.Chosen, true);
            foreach (PreferenceExample pair in some) yield return new JudgedExample(pair.Line, pair.Prompt, pair.Rejected, false);
        }
    }

    private static int Shared(int a, int b, Func<int, bool> same, Func<int, bool> isSpace)
    {
        int shortest = Math.Min(a, b);
        for (int i = 0; i < shortest; i++)
            if (!same(i)) return i > 0 && isSpace(i - 1) ? i - 1 : i;
        return Math.Max(0, shortest - 1);
    }

    private static string TextOf(ReadOnlySpan<Rune> runes)
    {
        var text = new StringBuilder(runes.Length);
        foreach (Rune rune in runes) text.Append(rune.ToString());
        return text.ToString();
    }
}
