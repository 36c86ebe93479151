using System.Text;
using KernelTune.Text.Jinja.Python;

namespace KernelTune.Text.Jinja.Library;

/// <summary>Python's textwrap.wrap with expand_tabs and replace_whitespace off.</summary>
internal static class WordWrapping
{
    /// <summary>The lines of one paragraph, none longer than <paramref name="width"/> code points where words allow it.</summary>
    public static List<string> Wrap(string text, int width, bool breakLongWords, bool breakOnHyphens)
    {
        var lines = new List<string>();
        var chunks = new LinkedList<string>(Chunks(text, breakOnHyphens));
        while (chunks.First is not null)
        {
            var line = new List<string>();
            int length = 0;
            if (lines.Count > 0 && string.IsNullOrWhiteSpace(chunks.First.Value)) chunks.RemoveFirst();
            while (chunks.First is { } next && length + CodePoints.Count(next.Value) <= width)
            {
                line.Add(next.Value);
                length += CodePoints.Count(next.Value);
                chunks.RemoveFirst();
            }

            if (chunks.First is { } longWord && CodePoints.Count(longWord.Value) > width)
            {
                int room = Math.Max(1, width - length);
                if (breakLongWords)
                {
                    string word = longWord.Value;
                    int cut = CodePoints.Offset(word, room);
                    if (breakOnHyphens && CodePoints.Count(word) > room)
                    {
                        int hyphen = word.AsSpan(0, cut).LastIndexOf('-');
                        if (hyphen > 0 && word.AsSpan(0, hyphen).IndexOfAnyExcept('-') >= 0) cut = hyphen + 1;
                    }

                    line.Add(word[..cut]);
                    longWord.Value = word[cut..];
                    if (longWord.Value.Length == 0) chunks.RemoveFirst();
                }
                else if (line.Count == 0)
                {
                    line.Add(longWord.Value);
                    chunks.RemoveFirst();
                }
            }

            if (line.Count > 0 && string.IsNullOrWhiteSpace(line[^1])) line.RemoveAt(line.Count - 1);
            if (line.Count > 0) lines.Add(string.Concat(line));
        }

        return lines;
    }

    /// <summary>Words and the blanks between them; a hyphen between letters ends a chunk, a run of dashes is one of its own.</summary>
    private static IEnumerable<string> Chunks(string text, bool breakOnHyphens)
    {
        var chunk = new StringBuilder();
        for (int i = 0; i < text.Length; i++)
        {
            bool space = IsBlank(text[i]);
            if (chunk.Length > 0 && IsBlank(chunk[^1]) != space)
            {
                yield return chunk.ToString();
                chunk.Clear();
            }

            chunk.Append(text[i]);
            bool between = breakOnHyphens && text[i] == '-' && i >= 2 && char.IsLetter(text[i - 1]) && (char.IsLetter(text[i - 2]) || text[i - 2] == '_')
                && i + 2 < text.Length && char.IsLetter(text[i + 1]) && (char.IsLetter(text[i + 2]) || text[i + 2] == '-');
            if (!between) continue;
            yield return chunk.ToString();
            chunk.Clear();
        }

        if (chunk.Length > 0) yield return chunk.ToString();
    }

    private static bool IsBlank(char c) => c is ' ' or '\t' or '\n' or '\v' or '\f' or '\r';
}
