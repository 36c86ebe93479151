using System.Text;
using KernelTune.Text.Pipeline;
using KernelTune.Text.Unicode;

namespace KernelTune.Text.Decoders;

/// <summary>All tokens as one.</summary>
internal sealed class Fuse : Decoder
{
    public override List<string> Apply(List<string> tokens) => [string.Concat(tokens)];
}

/// <summary>Takes a character off the ends of each token, at most so many times.</summary>
internal sealed class StripDecoder(int character, int start, int stop) : Decoder
{
    public override List<string> Apply(List<string> tokens) => [.. tokens.Select(Stripped)];

    private string Stripped(string token)
    {
        int begin = 0, end = token.Length;
        for (int i = 0; i < start && begin < end && CodePoints.At(token, begin, out int units) == character; i++) begin += units;
        for (int i = 0; i < stop && end > begin && CodePoints.Before(token, end, out int units) == character; i++) end -= units;
        return token[begin..end];
    }
}

/// <summary>Replaces every match of a pattern in each token.</summary>
internal sealed class ReplaceDecoder(PatternKey pattern, string content) : Decoder
{
    public override List<string> Apply(List<string> tokens) => [.. tokens.Select(Replaced)];

    private string Replaced(string token)
    {
        if (pattern.Literal is { Length: > 0 } literal) return token.Replace(literal, content, StringComparison.Ordinal);
        var text = new StringBuilder();
        foreach (var (begin, end, isMatch) in pattern.Find(token)) text.Append(isMatch ? content : token.AsSpan(begin, end - begin));
        return text.ToString();
    }
}

/// <summary>▁ back to spaces; the one that was put before the first word goes.</summary>
internal sealed class MetaspaceDecoder(int replacement, bool prepended) : Decoder
{
    public override List<string> Apply(List<string> tokens)
    {
        string mark = char.ConvertFromUtf32(replacement);
        return [.. tokens.Select((token, i) => token.Replace(mark, i == 0 && prepended ? "" : " ", StringComparison.Ordinal))];
    }
}

/// <summary>The mark at the end of a word becomes a space, at the end of the text nothing.</summary>
internal sealed class BpeDecoder(string suffix) : Decoder
{
    public override List<string> Apply(List<string> tokens) =>
        [.. tokens.Select((token, i) => suffix.Length == 0 ? token : token.Replace(suffix, i == tokens.Count - 1 ? "" : " ", StringComparison.Ordinal))];
}

/// <summary>WordPiece: tokens without the prefix begin a word.</summary>
internal sealed class WordPieceDecoder(string prefix, bool cleanUp) : Decoder
{
    public override List<string> Apply(List<string> tokens) => [.. tokens.Select((token, i) =>
    {
        if (i > 0) token = token.StartsWith(prefix, StringComparison.Ordinal) ? token[prefix.Length..] : " " + token;
        return cleanUp ? CleanedUp(token) : token;
    })];

    /// <summary>Takes out the spaces before punctuation and contractions that tokenizing put in.</summary>
    public static string CleanedUp(string text)
    {
        (string From, string To)[] rules =
        [
            (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"), (" 'm", "'m"), (" do not", " don't"), (" 's", "'s"), (" 've", "'ve"), (" 're", "'re"),
        ];
        foreach (var (from, to) in rules) text = text.Replace(from, to, StringComparison.Ordinal);
        return text;
    }
}

/// <summary>CTC: repeated tokens count once, the padding token separates.</summary>
internal sealed class CtcDecoder(string padToken, string wordDelimiter, bool cleanUp) : Decoder
{
    public override List<string> Apply(List<string> tokens)
    {
        var result = new List<string>();
        string? last = null;
        foreach (string token in tokens)
        {
            if (token == last) continue;
            last = token;
            string text = padToken.Length == 0 ? token : token.Replace(padToken, "", StringComparison.Ordinal);
            if (cleanUp)
            {
                text = WordPieceDecoder.CleanedUp(text);
                if (wordDelimiter.Length > 0) text = text.Replace(wordDelimiter, " ", StringComparison.Ordinal);
            }
            if (text.Length > 0) result.Add(text);
        }
        return result;
    }
}
