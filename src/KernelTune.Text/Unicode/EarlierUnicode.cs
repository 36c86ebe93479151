using System.Globalization;

namespace KernelTune.Text.Unicode;

/// <summary>Classes as earlier versions of Unicode had them. The reference library's normalizers and pre-tokenizers were built on such versions, and models learned
/// what they gave; its patterns follow the current version.</summary>
internal static class EarlierUnicode
{
    private static readonly Lazy<RangeTable> Ages = new(() => RangeTable.Read("UnicodeAge.txt"));

    /// <summary>A mark in version 9.0.</summary>
    public static bool IsMark9(int c) => c >= 0x300 && (CharacterClasses.IsMark(c) && c != 0x111C9 && IsOld(c, 9) || c is 0x1CF2 or 0x1CF3);

    /// <summary>A mark that takes no space in version 8.0.</summary>
    public static bool IsNonSpacingMark8(int c) => c >= 0x300 && (c is 0x1734 or 0x1171E
        || CharacterClasses.Category(c) == UnicodeCategory.NonSpacingMark && c is not (0x1885 or 0x1886 or 0xA9BD or 0x111C9) && IsOld(c, 8));

    /// <summary>Punctuation in version 8.0, and every printable ASCII character that is neither a letter, a digit nor the space.</summary>
    public static bool IsPunctuation8(int c) =>
        c < 0x80 ? CharacterClasses.IsPunctuationOrAsciiSymbol(c) : CharacterClasses.IsPunctuation(c) && IsOld(c, 8) || c is 0x166D or 0x111C9;

    /// <summary>A control, format or private character (or half a surrogate pair) in version 8.0.</summary>
    public static bool IsOther8(int c) => CharacterClasses.Category(c) switch
    {
        UnicodeCategory.Control or UnicodeCategory.PrivateUse or UnicodeCategory.Surrogate => true,
        UnicodeCategory.Format => IsOld(c, 8),
        _ => false,
    };

    /// <summary>The script in version 9.0; null for what has none.</summary>
    public static string? Script9(int c) => c is 0x589 or 0x61C ? "Common" : IsOld(c, 9) ? Scripts.Of(c) : null;

    /// <summary>Whether the code point was assigned in that version, 8 or 9.</summary>
    private static bool IsOld(int c, int version) => Ages.Value.Find(c) switch { "8" => true, "9" => version >= 9, _ => false };
}
