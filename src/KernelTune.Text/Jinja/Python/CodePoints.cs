namespace KernelTune.Text.Jinja.Python;

/// <summary>Code points of a UTF-16 string: Python counts and indexes these.</summary>
internal static class CodePoints
{
    public static int Count(ReadOnlySpan<char> text)
    {
        int pairs = 0;
        for (int i = 1; i < text.Length; i++)
        {
            if (!char.IsLowSurrogate(text[i]) || !char.IsHighSurrogate(text[i - 1])) continue;
            pairs++;
            i++;
        }

        return text.Length - pairs;
    }

    /// <summary>The UTF-16 offset of code point number <paramref name="index"/>, from 0 to the count.</summary>
    public static int Offset(string text, int index)
    {
        int i = 0;
        for (; index > 0 && i < text.Length; index--) i += Width(text, i);
        return i;
    }

    /// <summary>1, or 2 where a surrogate pair begins.</summary>
    public static int Width(ReadOnlySpan<char> text, int offset) =>
        char.IsHighSurrogate(text[offset]) && offset + 1 < text.Length && char.IsLowSurrogate(text[offset + 1]) ? 2 : 1;

    /// <summary>The code point at a UTF-16 offset, as a string.</summary>
    public static string At(string text, int offset) => text.Substring(offset, Width(text, offset));

    public static int ValueAt(ReadOnlySpan<char> text, int offset) =>
        Width(text, offset) == 2 ? char.ConvertToUtf32(text[offset], text[offset + 1]) : text[offset];

    /// <summary>Order by code points: UTF-16 order puts surrogates before U+E000.</summary>
    public static int Compare(string a, string b)
    {
        int n = Math.Min(a.Length, b.Length);
        for (int i = 0; i < n; i++)
        {
            if (a[i] == b[i]) continue;
            return Rank(a[i]) - Rank(b[i]);
        }

        return a.Length - b.Length;
    }

    private static int Rank(char c) => char.IsSurrogate(c) ? c + 0x10000 : c;
}
