using System.Globalization;

namespace KernelTune.Text.Unicode;

/// <summary>Classes of code points as Unicode (UTS #18, annex C) defines them.</summary>
internal static class CharacterClasses
{
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

    /// <summary>Alphabetic, but for marks: letters, letter numbers and the circled, squared letters of Other_Alphabetic.</summary>
    public static bool IsAlphabeticBase(int c) => Category(c) is <= UnicodeCategory.OtherLetter or UnicodeCategory.LetterNumber || IsEnclosedLetter(c);

    /// <summary>What \w matches: alphabetic, marks, decimal digits, connectors.</summary>
    public static bool IsWord(int c) =>
        Category(c) is <= UnicodeCategory.OtherLetter or UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark
            or UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.ConnectorPunctuation || IsEnclosedLetter(c);

    /// <summary>\w as UTS #18 has it: also the two joiners.</summary>
    public static bool IsWordOrJoiner(int c) => IsWord(c) || c is 0x200C or 0x200D;

    private static bool IsEnclosedLetter(int c) => c is (>= 0x24B6 and <= 0x24E9) or (>= 0x1F130 and <= 0x1F149) or (>= 0x1F150 and <= 0x1F169) or (>= 0x1F170 and <= 0x1F189);
}
