namespace KernelTune.Evaluation.Metrics.Text;

/// <summary>Porter's stemmer (1980) with the extensions of NLTK, which ROUGE and METEOR use.</summary>
public static class PorterStemmer
{
    private static readonly Dictionary<string, string> Irregular = new(StringComparer.Ordinal)
    {
        ["sky"] = "sky", ["skies"] = "sky", ["dying"] = "die", ["lying"] = "lie", ["tying"] = "tie", ["news"] = "news", ["innings"] = "inning", ["inning"] = "inning", ["outings"] = "outing",
        ["outing"] = "outing", ["cannings"] = "canning", ["canning"] = "canning", ["howe"] = "howe", ["proceed"] = "proceed", ["exceed"] = "exceed", ["succeed"] = "succeed",
    };

    private static readonly (string Suffix, string Replacement)[] Step2Rules =
    [
        ("ational", "ate"), ("tional", "tion"), ("enci", "ence"), ("anci", "ance"), ("izer", "ize"), ("bli", "ble"), ("alli", "al"), ("entli", "ent"), ("eli", "e"), ("ousli", "ous"), ("ization", "ize"),
        ("ation", "ate"), ("ator", "ate"), ("alism", "al"), ("iveness", "ive"), ("fulness", "ful"), ("ousness", "ous"), ("aliti", "al"), ("iviti", "ive"), ("biliti", "ble"), ("fulli", "ful"),
    ];

    private static readonly (string Suffix, string Replacement)[] Step3Rules = [("icate", "ic"), ("ative", ""), ("alize", "al"), ("iciti", "ic"), ("ical", "ic"), ("ful", ""), ("ness", "")];

    private static readonly string[] Step4Suffixes = ["al", "ance", "ence", "er", "ic", "able", "ible", "ant", "ement", "ment", "ent", "ion", "ou", "ism", "ate", "iti", "ous", "ive", "ize"];

    /// <summary>The stem of a word, in lower case.</summary>
    public static string Stem(string word)
    {
        ArgumentNullException.ThrowIfNull(word);
        string stem = word.ToLowerInvariant();
        if (Irregular.TryGetValue(stem, out string? irregular)) return irregular;
        return stem.Length <= 2 ? stem : Step5(Step4(Step3(Step2(Step1c(Step1b(Step1a(stem)))))));
    }

    private static string Step1a(string word)
    {
        if (Ends(word, "ies") && word.Length == 4) return word[..^3] + "ie";
        if (Ends(word, "sses")) return word[..^2];
        if (Ends(word, "ies")) return word[..^2];
        return Ends(word, "s") && !Ends(word, "ss") ? word[..^1] : word;
    }

    private static string Step1b(string word)
    {
        if (Ends(word, "ied")) return word[..^3] + (word.Length == 4 ? "ie" : "i");
        if (Ends(word, "eed")) return Measure(word[..^3]) > 0 ? word[..^1] : word;
        string? stem = new[] { "ed", "ing" }.Where(s => Ends(word, s)).Select(s => word[..^s.Length]).FirstOrDefault(HasVowel);
        if (stem is null) return word;
        if (Ends(stem, "at") || Ends(stem, "bl") || Ends(stem, "iz")) return stem + "e";
        if (EndsDouble(stem)) return stem[^1] is 'l' or 's' or 'z' ? stem : stem[..^1];
        return Measure(stem) == 1 && EndsConsonantVowelConsonant(stem) ? stem + "e" : stem;
    }

    private static string Step1c(string word) => Ends(word, "y") && word.Length > 2 && IsConsonant(word, word.Length - 2) ? word[..^1] + "i" : word;

    private static string Step2(string word)
    {
        if (Ends(word, "alli") && Measure(word[..^4]) > 0) return Step2(word[..^2]);
        foreach (var (suffix, replacement) in Step2Rules)
            if (Ends(word, suffix)) return Measure(word[..^suffix.Length]) > 0 ? word[..^suffix.Length] + replacement : word;
        return Ends(word, "logi") && Measure(word[..^3]) > 0 ? word[..^1] : word;
    }

    private static string Step3(string word)
    {
        foreach (var (suffix, replacement) in Step3Rules)
            if (Ends(word, suffix)) return Measure(word[..^suffix.Length]) > 0 ? word[..^suffix.Length] + replacement : word;
        return word;
    }

    private static string Step4(string word)
    {
        foreach (string suffix in Step4Suffixes)
        {
            if (!Ends(word, suffix)) continue;
            string stem = word[..^suffix.Length];
            return Measure(stem) > 1 && (suffix != "ion" || stem[^1] is 's' or 't') ? stem : word;
        }

        return word;
    }

    private static string Step5(string word)
    {
        if (Ends(word, "e"))
        {
            string stem = word[..^1];
            if (Measure(stem) is var m && (m > 1 || m == 1 && !EndsConsonantVowelConsonant(stem))) word = stem;
        }

        return Ends(word, "ll") && Measure(word[..^1]) > 1 ? word[..^1] : word;
    }

    private static bool Ends(string word, string suffix) => word.EndsWith(suffix, StringComparison.Ordinal);

    private static bool IsConsonant(string word, int i) => word[i] switch
    {
        'a' or 'e' or 'i' or 'o' or 'u' => false,
        'y' => i == 0 || !IsConsonant(word, i - 1),
        _ => true,
    };

    /// <summary>How often a vowel is followed by a consonant.</summary>
    private static int Measure(string stem)
    {
        int count = 0;
        for (int i = 1; i < stem.Length; i++)
            if (!IsConsonant(stem, i - 1) && IsConsonant(stem, i)) count++;
        return count;
    }

    private static bool HasVowel(string stem)
    {
        for (int i = 0; i < stem.Length; i++)
            if (!IsConsonant(stem, i)) return true;
        return false;
    }

    private static bool EndsDouble(string word) => word.Length >= 2 && word[^1] == word[^2] && IsConsonant(word, word.Length - 1);

    private static bool EndsConsonantVowelConsonant(string word)
    {
        int n = word.Length;
        return n >= 3 && IsConsonant(word, n - 3) && !IsConsonant(word, n - 2) && IsConsonant(word, n - 1) && word[^1] is not ('w' or 'x' or 'y')
            || n == 2 && !IsConsonant(word, 0) && IsConsonant(word, 1);
    }
}
