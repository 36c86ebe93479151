using System.Globalization;

namespace KernelTune.Text.Jinja.Python;

/// <summary>What Python's str asks of single characters.</summary>
internal static class Characters
{
    /// <summary>str.isspace: white space and the separators U+001C to U+001F.</summary>
    public static char[] WhiteSpace { get; } =
        "\t\n\v\f\r\u001c\u001d\u001e\u001f \u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000".ToCharArray();

    public static bool IsSpace(int c) => c < 0x10000 && Array.IndexOf(WhiteSpace, (char)c) >= 0;

    /// <summary>Where str.splitlines breaks.</summary>
    public static bool IsLineBreak(char c) => c is '\n' or '\r' or '\v' or '\f' or '\u001c' or '\u001d' or '\u001e' or '\u0085' or '\u2028' or '\u2029';

    /// <summary>\w: a letter, a number or an underscore.</summary>
    public static bool IsWordAt(string text, int offset) => text[offset] == '_' || IsAlphanumeric(CodePoints.ValueAt(text, offset));

    public static bool IsAlphanumeric(int c) => IsLetter(c) || Category(c) is UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber;

    public static bool IsLetter(int c) => Category(c) is UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter
        or UnicodeCategory.ModifierLetter or UnicodeCategory.OtherLetter;

    public static bool IsDecimal(int c) => Category(c) == UnicodeCategory.DecimalDigitNumber;

    /// <summary>str.isdigit: decimal digits, and those that only look like digits (²).</summary>
    public static bool IsDigit(int c) => IsDecimal(c)
        || c is 0xB2 or 0xB3 or 0xB9 or 0x2070 or (>= 0x2074 and <= 0x2079) or (>= 0x2080 and <= 0x2089) or (>= 0x2460 and <= 0x2468) or (>= 0x2474 and <= 0x247C)
            or (>= 0x2488 and <= 0x2490) or 0x24EA or (>= 0x24F5 and <= 0x24FD) or 0x24FF or (>= 0x2776 and <= 0x277E) or (>= 0x2780 and <= 0x2788) or (>= 0x278A and <= 0x2792);

    public static bool IsNumeric(int c) => Category(c) is UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber;

    public static bool IsUpper(int c) => Category(c) == UnicodeCategory.UppercaseLetter;

    public static bool IsLower(int c) => Category(c) == UnicodeCategory.LowercaseLetter || c is 0xAA or 0xBA;

    public static bool IsTitle(int c) => Category(c) == UnicodeCategory.TitlecaseLetter;

    public static bool IsCased(int c) => IsUpper(c) || IsLower(c) || IsTitle(c);

    /// <summary>str.isprintable: all but controls, formats, surrogates, private and unassigned ones, and separators other than the blank.</summary>
    public static bool IsPrintable(int c) => c == ' ' || Category(c) is not (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate
        or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.SpaceSeparator);

    public static UnicodeCategory Category(int c) => CharUnicodeInfo.GetUnicodeCategory(c);
}
