using System.Globalization;

namespace KernelTune.Text.Unicode;

/// <summary>Classes of code points as Unicode (UTS #18, annex C) defines them.</summary>
internal static class CharacterClasses
{
    private static readonly Lazy<RangeTable> OtherMarks = new(() => RangeTable.Read("UnicodeMarks.txt"));

    public static UnicodeCategory Category(int c) => CharUnicodeInfo.GetUnicodeCategory(c);

    public static bool IsLetter(int c) => Category(c) <= UnicodeCategory.OtherLetter;

    public static bool IsMark(int c) => Category(c) is UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark;

    /// <summary>Nd, Nl and No.</summary>
    public static bool IsNumber(int c) => Category(c) is UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber;

    public static bool IsDecimalDigit(int c) => Category(c) == UnicodeCategory.DecimalDigitNumber;

    /// <summary>The P categories.</summary>
    public static bool IsPunctuation(int c) => Category(c) is >= UnicodeCategory.ConnectorPunctuation and <= UnicodeCategory.OtherPunctuation;

    /// <summary>The P categories and every printable ASCII character that is neither a letter, a digit nor the space: BERT's punctuation.</summary>
    public static bool IsPunctuationOrAsciiSymbol(int c) =>
        c is (>= 33 and <= 47) or (>= 58 and <= 64) or (>= 91 and <= 96) or (>= 123 and <= 126) || IsPunctuation(c);

    /// <summary>The S categories.</summary>
    public static bool IsSymbol(int c) => Category(c) is >= UnicodeCategory.MathSymbol and <= UnicodeCategory.OtherSymbol;

    /// <summary>White_Space.</summary>
    public static bool IsSpace(int c) => c < 0x10000 && char.IsWhiteSpace((char)c);

    /// <summary>Alphabetic: letters, letter numbers, enclosed letters and most marks.</summary>
    public static bool IsAlphabetic(int c) =>
        Category(c) is <= UnicodeCategory.OtherLetter or UnicodeCategory.LetterNumber || IsEnclosedLetter(c) || IsMark(c) && OtherMarks.Value.Find(c) is null;

    /// <summary>Uppercase.</summary>
    public static bool IsUppercase(int c) => Category(c) == UnicodeCategory.UppercaseLetter
        || c is (>= 0x2160 and <= 0x216F) or (>= 0x24B6 and <= 0x24CF) or (>= 0x1F130 and <= 0x1F149) or (>= 0x1F150 and <= 0x1F169) or (>= 0x1F170 and <= 0x1F189);

    /// <summary>Lowercase.</summary>
    public static bool IsLowercase(int c) => Category(c) == UnicodeCategory.LowercaseLetter
        || c is 0xAA or 0xBA or (>= 0x2B0 and <= 0x2B8) or 0x2C0 or 0x2C1 or (>= 0x2E0 and <= 0x2E4) or 0x345 or 0x37A or 0x10FC or (>= 0x1D2C and <= 0x1D6A) or 0x1D78
            or (>= 0x1D9B and <= 0x1DBF) or 0x2071 or 0x207F or (>= 0x2090 and <= 0x209C) or (>= 0x2170 and <= 0x217F) or (>= 0x24D0 and <= 0x24E9) or 0x2C7C or 0x2C7D
            or 0xA69C or 0xA69D or 0xA770 or (>= 0xA7F2 and <= 0xA7F4) or 0xA7F8 or 0xA7F9 or (>= 0xAB5C and <= 0xAB5F) or 0xAB69 or 0x10780 or (>= 0x10783 and <= 0x10785)
            or (>= 0x10787 and <= 0x107B0) or (>= 0x107B2 and <= 0x107BA) or (>= 0x1E030 and <= 0x1E06D);

    /// <summary>What \w matches: alphabetic, marks, decimal digits, connectors.</summary>
    public static bool IsWord(int c) =>
        Category(c) is <= UnicodeCategory.OtherLetter or UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark
            or UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.ConnectorPunctuation || IsEnclosedLetter(c);

    /// <summary>\w as UTS #18 has it: also the two joiners.</summary>
    public static bool IsWordOrJoiner(int c) => IsWord(c) || c is 0x200C or 0x200D;

    private static bool IsEnclosedLetter(int c) => c is (>= 0x24B6 and <= 0x24E9) or (>= 0x1F130 and <= 0x1F149) or (>= 0x1F150 and <= 0x1F169) or (>= 0x1F170 and <= 0x1F189);
}
