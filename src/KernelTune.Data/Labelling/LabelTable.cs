using System.Globalization;

namespace KernelTune.Data;

/// <summary>The classes that labels name, each with its number.</summary>
public sealed class LabelTable
{
    private const int MostClasses = 1_000_000;

    private readonly Dictionary<string, int> _numbers = new(StringComparer.Ordinal);

    private LabelTable(IReadOnlyList<string> names)
    {
        Names = names;
        for (int i = 0; i < names.Count; i++) _numbers.Add(names[i], i);
    }

    /// <summary>The classes in the order of their numbers.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>The classes that a recipe or a model names.</summary>
    /// <exception cref="ArgumentException">A name comes twice, or there is none.</exception>
    public static LabelTable Of(IReadOnlyList<string> names)
    {
        ArgumentNullException.ThrowIfNull(names);
        if (names.Count == 0 || names.Distinct(StringComparer.Ordinal).Count() != names.Count) throw new ArgumentException("classes with a name each wanted, none of them twice", nameof(names));
        return new LabelTable([.. names]);
    }

    /// <summary>The classes that labels show: where all are whole numbers, 0 to the largest of them; else every name, in ordinal order.</summary>
    /// <exception cref="DataException">A number below 0, or one that would make more classes than any data has.</exception>
    public static LabelTable From(IEnumerable<ClassificationExample> examples, string file)
    {
        ArgumentNullException.ThrowIfNull(examples);
        var names = new SortedSet<string>(StringComparer.Ordinal);
        long largest = -1;
        bool numbers = true;
        ClassificationExample? below = null, beyond = null;
        foreach (ClassificationExample example in examples)
        {
            names.Add(example.Label);
            if (!long.TryParse(example.Label, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number)) numbers = false;
            else if (number < 0) below ??= example;
            else if (number >= MostClasses) beyond ??= example;
            else largest = Math.Max(largest, number);
        }

        if (!numbers || names.Count == 0) return Of([.. names]);
        if (below is not null) throw new DataException(file, $"label {below.Label} was found, 0 or more wanted", below.Line, unit: below.Unit);
        if (beyond is not null) throw new DataException(file, $"label {beyond.Label} was found, less than {MostClasses} wanted", beyond.Line, unit: beyond.Unit);
        return new LabelTable([.. Enumerable.Range(0, (int)largest + 1).Select(n => n.ToString(CultureInfo.InvariantCulture))]);
    }

    /// <summary>The number of a label: of a name that is known, or a whole number that is one of the classes'.</summary>
    /// <param name="label">As it is written.</param>
    /// <param name="file">The file that messages name.</param>
    /// <param name="line">Its example's line.</param>
    /// <param name="unit">What <paramref name="line"/> counts.</param>
    /// <exception cref="DataException">It is neither.</exception>
    public int Number(string label, string file, long line, string unit = "line")
    {
        ArgumentNullException.ThrowIfNull(label);
        if (_numbers.TryGetValue(label, out int number)) return number;
        if (!long.TryParse(label, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long given))
            throw new DataException(file, $"label {label} was found, {(Names.Count <= 20 ? $"one of {string.Join(", ", Names)}" : $"one of {Names.Count} names")} wanted", line, unit: unit);
        return given >= 0 && given < Names.Count ? (int)given : throw new DataException(file, $"label {label} was found, 0 to {Names.Count - 1} wanted", line, unit: unit);
    }
}
