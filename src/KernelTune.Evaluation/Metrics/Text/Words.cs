namespace KernelTune.Evaluation.Metrics.Text;

/// <summary>Texts cut up as the published scripts, which are Python, cut them.</summary>
internal static class Words
{
    /// <summary>What stands between white space: Unicode's, and the four separators U+001C to U+001F.</summary>
    public static List<string> Split(string text)
    {
        var words = new List<string>();
        int begin = -1;
        for (int i = 0; i <= text.Length; i++)
        {
            if (i < text.Length && !IsSpace(text[i]))
            {
                if (begin < 0) begin = i;
                continue;
            }

            if (begin >= 0) words.Add(text[begin..i]);
            begin = -1;
        }

        return words;
    }

    public static bool IsSpace(char c) => char.IsWhiteSpace(c) || c is >= '\u001C' and <= '\u001F';

    public static string TrimEnd(string text)
    {
        int end = text.Length;
        while (end > 0 && IsSpace(text[end - 1])) end--;
        return text[..end];
    }

    /// <summary>Each code point as a text.</summary>
    public static string[] CodePoints(string text) => [.. text.EnumerateRunes().Select(r => r.ToString())];
}
