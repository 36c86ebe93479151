using System.Globalization;
using KernelTune.Text.Unicode;

namespace KernelTune.Text.Patterns;

/// <summary>The properties that \p{…} and [:…:] name: general categories, scripts and POSIX classes; case, spaces, hyphens and underscores in the name do not count.</summary>
internal static class CharacterProperties
{
    private static readonly (string Short, string Long)[] Categories =
    [
        ("lu", "uppercaseletter"), ("ll", "lowercaseletter"), ("lt", "titlecaseletter"), ("lm", "modifierletter"), ("lo", "otherletter"),
        ("mn", "nonspacingmark"), ("mc", "spacingmark"), ("me", "enclosingmark"), ("nd", "decimalnumber"), ("nl", "letternumber"), ("no", "othernumber"),
        ("zs", "spaceseparator"), ("zl", "lineseparator"), ("zp", "paragraphseparator"), ("cc", "control"), ("cf", "format"), ("cs", "surrogate"),
        ("co", "privateuse"), ("pc", "connectorpunctuation"), ("pd", "dashpunctuation"), ("ps", "openpunctuation"), ("pe", "closepunctuation"),
        ("pi", "initialpunctuation"), ("pf", "finalpunctuation"), ("po", "otherpunctuation"), ("sm", "mathsymbol"), ("sc", "currencysymbol"),
        ("sk", "modifiersymbol"), ("so", "othersymbol"), ("cn", "unassigned"),
    ];

    /// <summary>The property's rule, or null for a name that is not known. Only between [: and :] does "punct" take in symbols.</summary>
    public static Func<int, bool>? Named(string name, bool posix = false)
    {
        string loose = new string([.. name.Where(c => c is not (' ' or '-' or '_'))]).ToLowerInvariant();
        for (int i = 0; i < Categories.Length; i++)
        {
            var category = (UnicodeCategory)i;
            if (loose == Categories[i].Short || loose == Categories[i].Long) return c => CharacterClasses.Category(c) == category;
        }
        switch (loose)
        {
            case "l" or "letter": return CharacterClasses.IsLetter;
            case "lc" or "casedletter": return c => CharacterClasses.Category(c) <= UnicodeCategory.TitlecaseLetter;
            case "m" or "mark" or "combiningmark": return CharacterClasses.IsMark;
            case "n" or "number": return CharacterClasses.IsNumber;
            case "p" or "punctuation": return CharacterClasses.IsPunctuation;
            case "s" or "symbol": return CharacterClasses.IsSymbol;
            case "z" or "separator": return c => CharacterClasses.Category(c) is >= UnicodeCategory.SpaceSeparator and <= UnicodeCategory.ParagraphSeparator;
            case "c" or "other": return IsOther;
            case "any": return _ => true;
            case "assigned": return c => CharacterClasses.Category(c) != UnicodeCategory.OtherNotAssigned;
            case "ascii": return c => c < 0x80;
            case "alpha" or "alphabetic": return CharacterClasses.IsAlphabetic;
            case "alnum": return c => CharacterClasses.IsAlphabetic(c) || CharacterClasses.IsDecimalDigit(c);
            case "digit": return CharacterClasses.IsDecimalDigit;
            case "upper" or "uppercase": return CharacterClasses.IsUppercase;
            case "lower" or "lowercase": return CharacterClasses.IsLowercase;
            case "space" or "whitespace": return CharacterClasses.IsSpace;
            case "word": return CharacterClasses.IsWord;
            case "blank": return c => c == '\t' || CharacterClasses.Category(c) == UnicodeCategory.SpaceSeparator;
            case "cntrl": return c => CharacterClasses.Category(c) == UnicodeCategory.Control;
            case "punct": return posix ? c => CharacterClasses.IsPunctuation(c) || CharacterClasses.IsSymbol(c) : CharacterClasses.IsPunctuation;
            case "graph": return IsGraph;
            case "print": return c => IsGraph(c) || CharacterClasses.Category(c) == UnicodeCategory.SpaceSeparator;
            case "xdigit": return c => c < 0x80 && char.IsAsciiHexDigit((char)c);
        }
        return Scripts.Named(loose) is { } script ? c => Scripts.Of(c) == script : null;
    }

    private static bool IsOther(int c) =>
        CharacterClasses.Category(c) is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned;

    private static bool IsGraph(int c) =>
        !CharacterClasses.IsSpace(c) && CharacterClasses.Category(c) is not (UnicodeCategory.Control or UnicodeCategory.OtherNotAssigned or UnicodeCategory.Surrogate);
}
