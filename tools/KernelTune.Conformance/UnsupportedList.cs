using System.Text;
using System.Text.RegularExpressions;

namespace KernelTune.Conformance;

/// <summary>The reviewed list of cases and parts of cases that are not supported yet. One a line: <c>family/case</c> or <c>family/case#part</c>,
/// <c>*</c> for any run of characters, <c>@device</c> after a space where only one device lacks it; <c># …</c> at the start of a line is a comment,
/// and so is what follows the first space and a second <c>#</c>.</summary>
public sealed class UnsupportedList
{
    private readonly List<(Regex Name, string? Device, int Line)> _entries = [];

    /// <summary>Reads the list at <paramref name="path"/>.</summary>
    /// <exception cref="UsageException">The file is absent, or a line of it cannot be understood.</exception>
    public static UnsupportedList Read(string path)
    {
        if (!File.Exists(path)) throw new UsageException($"{path}: no such list of unsupported cases");
        return Parse(File.ReadAllLines(path, Encoding.UTF8), path);
    }

    /// <summary>The list that <paramref name="lines"/> hold; <paramref name="path"/> is named in errors.</summary>
    /// <exception cref="UsageException">A line cannot be understood.</exception>
    public static UnsupportedList Parse(IEnumerable<string> lines, string path)
    {
        ArgumentNullException.ThrowIfNull(lines);
        var list = new UnsupportedList();
        int number = 0;
        foreach (string line in lines)
        {
            number++;
            int comment = line.StartsWith('#') ? 0 : line.IndexOf(" #", StringComparison.Ordinal);
            string[] words = (comment < 0 ? line : line[..comment]).Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
            if (words.Length == 0) continue;
            string? device = words is [_, ['@', .. var of]] ? of : null;
            if (words.Length > (device is null ? 1 : 2) || !words[0].Contains('/', StringComparison.Ordinal))
                throw new UsageException($"{path}:{number}: found '{line}', wanted family/case[#part] [@device]");
            string pattern = "^" + Regex.Escape(words[0]).Replace("\\*", ".*", StringComparison.Ordinal) + "$";
            list._entries.Add((new Regex(pattern, RegexOptions.CultureInvariant), device, number));
        }
        return list;
    }

    /// <summary>The line of the first entry that names <paramref name="key"/> (family/case or family/case#part) on <paramref name="device"/>; null: none does.</summary>
    public int? LineOf(string key, string device)
    {
        foreach (var (name, of, line) in _entries)
            if ((of is null || of == device) && name.IsMatch(key))
                return line;
        return null;
    }
}
