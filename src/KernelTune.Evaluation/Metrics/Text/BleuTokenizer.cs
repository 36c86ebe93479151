using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace KernelTune.Evaluation.Metrics.Text;

/// <summary>How BLEU's texts are cut into words: sacrebleu's tokenizers.</summary>
public enum BleuTokenization
{
    /// <summary>mteval-v13a's, for Western languages.</summary>
    V13a,

    /// <summary>mteval-v14's, by Unicode's punctuation and symbols.</summary>
    International,

    /// <summary>Each code point.</summary>
    Character,

    /// <summary>Chinese characters by themselves, the rest as 13a.</summary>
    Chinese,

    /// <summary>White space only.</summary>
    None,
}

/// <summary>sacrebleu's tokenizers (Post, 2018): a text with single spaces between words.</summary>
public static partial class BleuTokenizer
{
    public static string Apply(string text, BleuTokenization tokenization)
    {
        ArgumentNullException.ThrowIfNull(text);
        return tokenization switch
        {
            BleuTokenization.V13a => Western(" " + Unescaped(text.Replace("<skipped>", "", StringComparison.Ordinal).Replace("-\n", "", StringComparison.Ordinal).Replace('\n', ' ')) + " "),
            BleuTokenization.International => International(text),
            BleuTokenization.Character => string.Join(' ', Words.CodePoints(text)),
            BleuTokenization.Chinese => Western(SetApart(text.Trim())),
            _ => text,
        };
    }

    /// <summary>The four XML escapes, as they came.</summary>
    internal static string Unescaped(string text) => text.Replace("&quot;", "\"", StringComparison.Ordinal).Replace("&amp;", "&", StringComparison.Ordinal)
        .Replace("&lt;", "<", StringComparison.Ordinal).Replace("&gt;", ">", StringComparison.Ordinal);

    internal static string Punctuated(string text)
    {
        text = Punctuation().Replace(text, " $1 ");
        return text;
    }

    internal static string Numbered(string text)
    {
        text = AfterNoDigit().Replace(text, "$1 $2 ");
        text = BeforeNoDigit().Replace(text, " $1 $2");
        return DashAfterDigit().Replace(text, "$1 $2 ");
    }

    private static string Western(string text) => string.Join(' ', Words.Split(Numbered(Punctuated(text))));

    [GeneratedRegex(@"([\{-\~\[-\` -\&\(-\+\:-\@\/])", RegexOptions.CultureInvariant)]
    private static partial Regex Punctuation();

    [GeneratedRegex(@"([^0-9])([\.,])", RegexOptions.CultureInvariant)]
    private static partial Regex AfterNoDigit();

    [GeneratedRegex(@"([\.,])([^0-9])", RegexOptions.CultureInvariant)]
    private static partial Regex BeforeNoDigit();

    [GeneratedRegex(@"([0-9])(-)", RegexOptions.CultureInvariant)]
    private static partial Regex DashAfterDigit();

    /// <summary>Punctuation after or before what is no number, then symbols; code points beyond the basic plane included.</summary>
    private static string International(string text)
    {
        var points = text.EnumerateRunes().ToList();
        points = Paired(points, (a, b) => !IsNumber(a) && IsPunctuation(b), before: false);
        points = Paired(points, (a, b) => IsPunctuation(a) && !IsNumber(b), before: true);
        var result = new StringBuilder();
        foreach (Rune r in points)
        {
            if (Rune.GetUnicodeCategory(r) is >= UnicodeCategory.MathSymbol and <= UnicodeCategory.OtherSymbol) result.Append(' ').Append(r).Append(' ');
            else result.Append(r);
        }

        return string.Join(' ', Words.Split(result.ToString()));
    }

    /// <summary>From left to right, each pair that fits is set apart: "a b " or " a b".</summary>
    private static List<Rune> Paired(List<Rune> points, Func<Rune, Rune, bool> fits, bool before)
    {
        var result = new List<Rune>(points.Count * 2);
        var space = new Rune(' ');
        for (int i = 0; i < points.Count; i++)
        {
            if (i + 1 >= points.Count || !fits(points[i], points[i + 1]))
            {
                result.Add(points[i]);
                continue;
            }

            if (before) result.AddRange([space, points[i], space, points[i + 1]]);
            else result.AddRange([points[i], space, points[i + 1], space]);
            i++;
        }

        return result;
    }

    private static bool IsNumber(Rune r) => Rune.GetUnicodeCategory(r) is UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber;

    private static bool IsPunctuation(Rune r) => Rune.GetUnicodeCategory(r) is >= UnicodeCategory.ConnectorPunctuation and <= UnicodeCategory.OtherPunctuation;

    private static string SetApart(string text)
    {
        var result = new StringBuilder();
        foreach (Rune r in text.EnumerateRunes())
        {
            if (IsChinese(r.Value)) result.Append(' ').Append(r).Append(' ');
            else result.Append(r);
        }

        return result.ToString();
    }

    /// <summary>The published ranges. Two of them were meant for the planes beyond the basic one but were written with four digits and one more character, so that they begin behind U+2000 and U+2F80.</summary>
    private static bool IsChinese(int c) => c is (>= 0x3400 and <= 0x4DB5) or (>= 0x4E00 and <= 0x9FBB) or (>= 0xF900 and <= 0xFA2D) or (>= 0xFA30 and <= 0xFA6A) or (>= 0xFA70 and <= 0xFAD9)
        or (>= 0x2001 and <= 0x2A6D) or (>= 0x2F81 and <= 0x2FA1) or (>= 0xFF00 and <= 0xFFEF) or (>= 0x2E80 and <= 0x2EFF) or (>= 0x3000 and <= 0x303F) or (>= 0x31C0 and <= 0x31EF)
        or (>= 0x2F00 and <= 0x2FDF) or (>= 0x2FF0 and <= 0x2FFF) or (>= 0x3100 and <= 0x312F) or (>= 0x31A0 and <= 0x31BF) or (>= 0xFE10 and <= 0xFE1F) or (>= 0xFE30 and <= 0xFE4F)
        or (>= 0x2600 and <= 0x27BF) or (>= 0x3200 and <= 0x33FF);
}
