using System.Text;

namespace KernelTune.Text.Jinja.Python;

/// <summary>str.upper, lower, title, capitalize and swapcase, with Unicode's full mappings (ß becomes SS, a final Σ becomes ς).</summary>
internal static class TextCase
{
    public static string Upper(string text) => Map(text, (into, s, i) => AppendUpper(into, s, i));

    public static string Lower(string text) => Map(text, AppendLower);

    public static string Capitalize(string text) => Map(text, (into, s, i) =>
    {
        if (i == 0) AppendTitle(into, s, i);
        else AppendLower(into, s, i);
    });

    public static string Title(string text)
    {
        bool previousCased = false;
        return Map(text, (into, s, i) =>
        {
            if (previousCased) AppendLower(into, s, i);
            else AppendTitle(into, s, i);
            previousCased = Characters.IsCased(CodePoints.ValueAt(s, i));
        });
    }

    public static string SwapCase(string text) => Map(text, (into, s, i) =>
    {
        int c = CodePoints.ValueAt(s, i);
        if (Characters.IsUpper(c)) AppendLower(into, s, i);
        else if (Characters.IsLower(c)) AppendUpper(into, s, i);
        else into.Append(s, i, CodePoints.Width(s, i));
    });

    private static string Map(string text, Action<StringBuilder, string, int> append)
    {
        var into = new StringBuilder(text.Length);
        for (int i = 0; i < text.Length; i += CodePoints.Width(text, i)) append(into, text, i);
        return into.ToString();
    }

    private static void AppendUpper(StringBuilder into, string s, int i)
    {
        if (SpecialCasing.Upper(s[i]) is { } several) into.Append(several);
        else AppendRune(into, s, i, Rune.ToUpperInvariant);
    }

    private static void AppendTitle(StringBuilder into, string s, int i)
    {
        if (SpecialCasing.Title(s[i]) is { } title) into.Append(title);
        else AppendUpper(into, s, i);
    }

    private static void AppendLower(StringBuilder into, string s, int i)
    {
        if (s[i] == 'İ') into.Append("i̇");
        else if (s[i] == 'Σ') into.Append(IsFinalSigma(s, i) ? 'ς' : 'σ');
        else AppendRune(into, s, i, Rune.ToLowerInvariant);
    }

    private static void AppendRune(StringBuilder into, string s, int i, Func<Rune, Rune> map)
    {
        if (Rune.TryGetRuneAt(s, i, out Rune rune)) into.Append(map(rune).ToString());
        else into.Append(s[i]);
    }

    /// <summary>A Σ after a cased letter and not before one; marks and apostrophes in between do not count.</summary>
    private static bool IsFinalSigma(string s, int at)
    {
        int before = at - 1;
        while (before >= 0 && IsIgnorable(s[before])) before--;
        if (before < 0 || !Characters.IsCased(s[before])) return false;
        int after = at + 1;
        while (after < s.Length && IsIgnorable(s[after])) after++;
        return after >= s.Length || !Characters.IsCased(s[after]);
    }

    private static bool IsIgnorable(char c) => c is '\'' or '.' or ':' or '^' or '`' or '\u00a8' or '\u00ad' or '\u00b7' or '\u2019'
        || Characters.Category(c) is System.Globalization.UnicodeCategory.NonSpacingMark or System.Globalization.UnicodeCategory.EnclosingMark
            or System.Globalization.UnicodeCategory.Format or System.Globalization.UnicodeCategory.ModifierLetter;
}
