using System.Text.RegularExpressions;

namespace KernelTune.Conformance;

/// <summary>Finds the cases of a folder that is laid out like the goldens.</summary>
public static class Walk
{
    /// <summary>Every case of <paramref name="root"/> whose "family/case" <paramref name="filter"/> matches: the families in the order given,
    /// then the folders that no family knows, in ordinal order.</summary>
    /// <param name="root">The goldens, the folder of one family, or one case.</param>
    /// <param name="families">The families that can be run.</param>
    /// <param name="filter">Null: every case.</param>
    /// <exception cref="UsageException">Nothing of the kind is found at <paramref name="root"/>.</exception>
    public static IEnumerable<GoldenCase> Cases(string root, IReadOnlyList<IFamily> families, Regex? filter)
    {
        root = Path.TrimEndingDirectorySeparator(Path.GetFullPath(root));
        string name = Path.GetFileName(root), parent = Path.GetDirectoryName(root) ?? root;
        if (families.FirstOrDefault(f => f.Name == name) is { } own && !Directory.Exists(Path.Combine(root, name)))
            return Listed(own, root, filter);
        if (families.FirstOrDefault(f => f.Name == Path.GetFileName(parent)) is { } of)
        {
            GoldenCase[] one = [.. Listed(of, parent, filter).Where(c => c.Name == name || c.Name == Path.GetFileNameWithoutExtension(name))];
            return one.Length > 0 ? one : throw new UsageException($"{root}: not a case of the family {of.Name}");
        }
        if (!Directory.Exists(root)) throw new UsageException($"{root}: neither a folder of goldens nor a case");
        return Families(root, families, filter);
    }

    private static IEnumerable<GoldenCase> Families(string root, IReadOnlyList<IFamily> families, Regex? filter)
    {
        foreach (IFamily family in families)
        {
            string folder = Path.Combine(root, family.Name);
            if (!Directory.Exists(folder)) continue;
            foreach (GoldenCase golden in Listed(family, folder, filter)) yield return golden;
        }
        // generator/ holds the scripts that made the goldens.
        foreach (string folder in Directory.EnumerateDirectories(root).Order(StringComparer.Ordinal))
        {
            string name = Path.GetFileName(folder);
            if (name is "generator" or ['.', ..] || families.Any(f => f.Name == name)) continue;
            foreach (GoldenCase golden in Listed(new UnbuiltFamily(name), folder, filter)) yield return golden;
        }
    }

    private static IEnumerable<GoldenCase> Listed(IFamily family, string folder, Regex? filter) =>
        family.Cases(folder).Select(name => new GoldenCase(family, folder, name)).Where(c => filter?.IsMatch(c.Path) != false);
}

/// <summary>One case: its family, the family's folder and its name in it.</summary>
public sealed class GoldenCase(IFamily family, string folder, string name)
{
    public string Name => name;

    /// <summary>"family/case", as the filter and the list of unsupported cases spell it.</summary>
    public string Path => $"{family.Name}/{name}";

    public bool UsesDevice => family.UsesDevice;

    /// <summary>The findings of the case on <paramref name="device"/>; an exception is one more finding, a failure.</summary>
    public IReadOnlyList<Finding> Run(string device)
    {
        List<Finding> findings = [];
        try
        {
            foreach (Finding finding in family.Run(folder, name, device)) findings.Add(finding);
            if (findings.Count == 0) findings.Add(new Finding("", Outcome.Fail, "the family reported nothing about it"));
        }
#pragma warning disable CA1031 // Whatever a case throws is what became of that case; the others still run.
        catch (Exception e)
#pragma warning restore CA1031
        {
            findings.Add(new Finding("", Outcome.Fail, $"{e.GetType().Name}: {e.Message}"));
        }
        return findings;
    }

    public override string ToString() => Path;
}

/// <summary>A family of goldens that has no runner: each entry of its folder is an unsupported case.</summary>
internal sealed class UnbuiltFamily(string name) : IFamily
{
    public string Name => name;

    public bool UsesDevice => false;

    public IEnumerable<string> Cases(string folder) =>
        Directory.EnumerateFileSystemEntries(folder)
            .Where(entry => !entry.EndsWith(".md", StringComparison.Ordinal))
            .Select(entry => Directory.Exists(entry) ? Path.GetFileName(entry) : Path.GetFileNameWithoutExtension(entry))
            .Distinct()
            .Order(StringComparer.Ordinal);

    public IEnumerable<Finding> Run(string folder, string name, string device) => [new("", Outcome.Unsupported, "family not built yet")];
}
