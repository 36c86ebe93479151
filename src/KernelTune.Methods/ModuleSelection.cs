using System.Text.RegularExpressions;

namespace KernelTune.Methods;

/// <summary>Module names as PEFT's configurations give them: a list of names, or one regular expression.</summary>
/// <remarks>A name selects the module of that path and every module whose path ends with a dot and the name. An expression must match the whole path.</remarks>
public sealed class ModuleSelection
{
    /// <summary>PEFT's word for every Linear and Conv1D but the output head.</summary>
    public const string AllLinear = "all-linear";

    private readonly Regex? expression;

    private ModuleSelection(IReadOnlyList<string> names, string? pattern)
    {
        Names = names;
        Pattern = pattern;
        if (pattern is not null && !IsAllLinear)
            expression = PythonRegex.FullMatch(pattern, "target_modules");
    }

    /// <summary>The names; empty for an expression.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>The expression (or "all-linear"); null for a list.</summary>
    public string? Pattern { get; }

    /// <summary>Whether this is the word for all linear layers.</summary>
    public bool IsAllLinear => Pattern is not null && string.Equals(Pattern, AllLinear, StringComparison.OrdinalIgnoreCase);

    /// <summary>A list of names.</summary>
    public static ModuleSelection Of(params IEnumerable<string> names) => new([.. names], null);

    /// <summary>A regular expression, or "all-linear".</summary>
    /// <exception cref="MethodException">The expression cannot be read.</exception>
    public static ModuleSelection Matching(string pattern) => new([], pattern);

    /// <summary>Whether <paramref name="path"/> is selected by its full path, by the end of it, or by the expression.</summary>
    public bool Selects(string path) => expression is not null ? PythonRegex.IsMatch(expression, path) : NamesExactly(path) || Names.Any(n => EndsWithName(path, n));

    /// <summary>Whether the list holds the full path.</summary>
    public bool NamesExactly(string path) => Names.Contains(path);

    /// <summary>As it is written in a message: the expression, or the names.</summary>
    public override string ToString() => Pattern is not null ? $"'{Pattern}'" : $"[{string.Join(", ", Names)}]";

    private static bool EndsWithName(string path, string name) =>
        path.Length > name.Length && path[^(name.Length + 1)] == '.' && path.EndsWith(name, StringComparison.Ordinal);
}

/// <summary>Expressions written for Python's re, matched against module paths.</summary>
internal static class PythonRegex
{
    /// <summary>A pattern from a file must not hang the program.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    /// <summary>re.fullmatch.</summary>
    public static Regex FullMatch(string pattern, string key) => Make($@"\A(?:{pattern})\z", pattern, key);

    /// <summary>re.match: anchored at the start only.</summary>
    public static Regex StartMatch(string anchored, string pattern, string key) => Make($@"\A(?:{anchored})", pattern, key);

    public static bool IsMatch(Regex regex, string path)
    {
        try
        {
            return regex.IsMatch(path);
        }
        catch (RegexMatchTimeoutException)
        {
            throw new MethodException($"the expression {regex} takes too long on {path}");
        }
    }

    private static Regex Make(string full, string pattern, string key)
    {
        try
        {
            return new Regex(full.Replace("(?P<", "(?<", StringComparison.Ordinal), RegexOptions.CultureInvariant, Patience);
        }
        catch (ArgumentException e)
        {
            throw new MethodException($"{key}: '{pattern}' is no regular expression: {e.Message}");
        }
    }
}
