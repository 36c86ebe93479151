namespace KernelTune.QuickstartText;

/// <summary>Names that no language model has met: syllables put together, no two too much alike.</summary>
public static class InventedNames
{
    private static readonly string[] Onsets = ["B", "D", "F", "G", "H", "J", "K", "L", "M", "N", "P", "R", "S", "T", "V", "Z", "Br", "Dr", "Gr", "St", "Tr", "Kr"];
    private static readonly string[] Vowels = ["a", "e", "i", "o", "u"];
    private static readonly string[] Middles = ["l", "r", "n", "m", "s", "v", "d", "k", "t", "b", "ld", "nd", "rn", "sk", "rv", "lm"];
    private static readonly string[] Endings = ["a", "o", "i", "an", "en", "in", "el", "or", "us", "is", "eth", "ia"];
    private static readonly string[] Stems =
    [
        "Tar", "Ost", "Vel", "Kor", "Bren", "Hal", "Mor", "Fen", "Gil", "Dun", "Lun", "Ras", "Sel", "Thorn", "Wes", "Yar", "Ash", "Birk", "Cald", "Elm", "Frost", "Grim", "Iver", "Jun",
    ];

    private static readonly string[] Suffixes = ["vik", "holm", "mouth", "wick", "berg", "stad", "by", "haven", "ford", "mere"];

    /// <summary><paramref name="count"/> names of people; any two differ in at least two letters.</summary>
    public static string[] People(int count, SeededRandom random)
    {
        ArgumentNullException.ThrowIfNull(random);
        List<string> names = [];
        while (names.Count < count)
        {
            string name = random.Pick(Onsets) + random.Pick(Vowels) + random.Pick(Middles) + random.Pick(Endings);
            if (names.All(other => Differ(other, name))) names.Add(name);
        }
        return [.. names];
    }

    /// <summary><paramref name="count"/> names of towns.</summary>
    public static string[] Towns(int count, SeededRandom random)
    {
        ArgumentNullException.ThrowIfNull(random);
        return [.. random.Shuffled(Stems.SelectMany(stem => Suffixes.Select(suffix => stem + suffix))).Take(count)];
    }

    private static bool Differ(string a, string b)
    {
        int different = Math.Abs(a.Length - b.Length);
        for (int i = 0; i < Math.Min(a.Length, b.Length); i++)
            if (char.ToLowerInvariant(a[i]) != char.ToLowerInvariant(b[i]))
                different++;
        return different >= 2;
    }
}
