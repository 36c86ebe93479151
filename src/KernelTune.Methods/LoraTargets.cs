using System.Globalization;
using System.Text.RegularExpressions;

namespace KernelTune.Methods;

/// <summary>Finds the modules that a LoRA configuration targets, by PEFT's rules. Pure functions over paths.</summary>
public static class LoraTargets
{
    /// <summary>From so many names on, PEFT condenses a list of targets to the shortest ends of paths that tell them from the rest.</summary>
    private const int ManyNames = 20;

    /// <summary>The selection with "all-linear" spelt out and long lists condensed: what PEFT saves.</summary>
    /// <param name="selection">The targets.</param>
    /// <param name="modules">All leaf modules of the model.</param>
    public static ModuleSelection Spelt(ModuleSelection selection, IReadOnlyList<AdaptableModule> modules)
    {
        if (selection.IsAllLinear)
            selection = ModuleSelection.Of(modules.Where(m => m.Kind is ModuleKind.Linear or ModuleKind.Conv1D && !m.IsOutputHead).Select(m => m.Path));
        return selection.Names.Count >= ManyNames ? Condensed(selection, modules) : selection;
    }

    /// <summary>Whether a path is targeted.</summary>
    public static bool Targets(LoraConfig config, string path)
    {
        if (config.TargetModules is not { } targets || (config.ExcludeModules?.Selects(path) ?? false) || IsSavedWhole(config, path))
            return false;
        if (targets.NamesExactly(path))
            return true;      // a full path is meant, whatever its layer
        return targets.Selects(path) && (config.LayersToTransform is not { Count: > 0 } layers || IsInLayers(path, layers, config.LayersPattern ?? []));
    }

    /// <summary>Every path that is a module of the model: the leaves and what they stand in.</summary>
    public static IEnumerable<string> AllPaths(IEnumerable<AdaptableModule> modules)
    {
        HashSet<string> seen = new(StringComparer.Ordinal);
        foreach (AdaptableModule module in modules)
            for (int end = module.Path.IndexOf('.', StringComparison.Ordinal); ; end = module.Path.IndexOf('.', end + 1))
            {
                string path = end < 0 ? module.Path : module.Path[..end];
                if (seen.Add(path))
                    yield return path;
                if (end < 0)
                    break;
            }
    }

    /// <summary>An adapter never goes on a module that trains whole, or into it.</summary>
    private static bool IsSavedWhole(LoraConfig config, string path) =>
        config.ModulesToSave?.Any(name => PythonRegex.IsMatch(PythonRegex.StartMatch($@"(^|.*\.){name}($|\..*)", name, "modules_to_save"), path)) ?? false;

    /// <summary>The number after a layers pattern (or after the first numbered part of the path) must be one of the layers.</summary>
    private static bool IsInLayers(string path, IReadOnlyList<int> layers, IReadOnlyList<string> patterns)
    {
        IEnumerable<string> expressions = patterns.Count == 0 ? [@".*?\.[^.]*\.(\d+)\."] : patterns.Select(p => $@".*?\.{p}\.(\d+)\.");
        foreach (string expression in expressions)
        {
            Match match = PythonRegex.StartMatch(expression, expression, "layers_pattern").Match(path);
            if (match.Success)
                return int.TryParse(match.Groups[^1].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out int layer) && layers.Contains(layer);
        }

        return false;
    }

    private static ModuleSelection Condensed(ModuleSelection selection, IReadOnlyList<AdaptableModule> modules)
    {
        HashSet<string> foreign = new(StringComparer.Ordinal);
        foreach (string path in AllPaths(modules).Where(p => !selection.Selects(p)))
            foreach (string end in Ends(path))
                foreign.Add(end);

        List<string> kept = [];
        foreach (string name in selection.Names.Distinct().OrderBy(n => string.Join('\0', n.Split('.').Reverse()), StringComparer.Ordinal))
        {
            if (kept.Any(k => name.EndsWith("." + k, StringComparison.Ordinal)))
                continue;
            if (Ends(name).FirstOrDefault(end => !kept.Contains(end) && !foreign.Contains(end)) is { } shortest)
                kept.Add(shortest);
        }

        return kept.Count > 0 && kept.Count < selection.Names.Count ? ModuleSelection.Of(kept) : selection;
    }

    /// <summary>The ends of a path at its dots, shortest first, the path itself last.</summary>
    private static IEnumerable<string> Ends(string path)
    {
        for (int dot = path.LastIndexOf('.'); dot >= 0; dot = dot == 0 ? -1 : path.LastIndexOf('.', dot - 1))
            yield return path[(dot + 1)..];
        yield return path;
    }
}
