using System.Text.RegularExpressions;

namespace KernelTune.Evaluation.Metrics.Text;

/// <summary>Tercom's tokenizer as sacrebleu has it.</summary>
internal static partial class TerTokenizer
{
    public static string[] Apply(string text, TerSettings settings)
    {
        text = Words.TrimEnd(text);
        if (!settings.CaseSensitive) text = text.ToLowerInvariant();
        if (settings.Normalized && text.Length > 0)
        {
            text = " " + BleuTokenizer.Unescaped(text.Replace("\n-", "", StringComparison.Ordinal).Replace('\n', ' ')) + " ";
            text = BleuTokenizer.Punctuated(text);
            text = PossessiveAtEnd().Replace(text.Replace("'s ", " 's ", StringComparison.Ordinal), " 's");
            text = BleuTokenizer.Numbered(text);
            if (settings.AsianSupport)
            {
                text = Ideographs().Replace(text, " $1 ");
                text = Radicals().Replace(text, " $1 ");
                text = Compatibility().Replace(text, " $1 ");
                text = Enclosed().Replace(text, " $1 ");
                text = AsianPunctuation().Replace(text, " $1 ");
                text = FullWidthPunctuation().Replace(text, " $1 ");
            }
        }

        if (settings.NoPunctuation)
        {
            text = Punctuation().Replace(text, "");
            if (settings.AsianSupport) text = FullWidthPunctuation().Replace(AsianPunctuation().Replace(text, ""), "");
        }

        return [.. Words.Split(text)];
    }

    [GeneratedRegex("'s$", RegexOptions.CultureInvariant)]
    private static partial Regex PossessiveAtEnd();

    [GeneratedRegex("([\u4e00-\u9fff\u3400-\u4dbf])", RegexOptions.CultureInvariant)]
    private static partial Regex Ideographs();

    [GeneratedRegex("([\u31c0-\u31ef\u2e80-\u2eff])", RegexOptions.CultureInvariant)]
    private static partial Regex Radicals();

    [GeneratedRegex("([\u3300-\u33ff\uf900-\ufaff\ufe30-\ufe4f])", RegexOptions.CultureInvariant)]
    private static partial Regex Compatibility();

    [GeneratedRegex("([\u3200-\u3f22])", RegexOptions.CultureInvariant)]
    private static partial Regex Enclosed();

    [GeneratedRegex("([\u3001\u3002\u3008-\u3011\u3014-\u301f\uff61-\uff65\u30fb])", RegexOptions.CultureInvariant)]
    private static partial Regex AsianPunctuation();

    [GeneratedRegex("([\uff0e\uff0c\uff1f\uff1a\uff1b\uff01\uff02\uff08\uff09])", RegexOptions.CultureInvariant)]
    private static partial Regex FullWidthPunctuation();

    [GeneratedRegex(@"[\.,\?:;!""\(\)]", RegexOptions.CultureInvariant)]
    private static partial Regex Punctuation();
}
