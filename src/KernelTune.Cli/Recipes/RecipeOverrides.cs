using KernelTune.Training.Recipes;

namespace KernelTune.Cli.Recipes;

/// <summary>Lays the command line's <c>lora.r=16</c> over what the file says.</summary>
internal static class RecipeOverrides
{
    private const string Place = "command line";

    /// <summary>Sets in <paramref name="recipe"/> what each of <paramref name="settings"/> says; a later one wins.</summary>
    /// <exception cref="RecipeException">A setting is not key=value, or goes through something that has no keys.</exception>
    public static void Apply(YamlMapping recipe, IEnumerable<string> settings)
    {
        foreach (string setting in settings)
        {
            int equals = setting.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0) throw new RecipeException(Place, null, $"found '{setting}', wanted key=value");
            string key = setting[..equals].Trim();
            string[] names = key.Split('.');
            if (names.Any(n => n.Length == 0)) throw new RecipeException(Place, null, $"found the key '{key}', wanted names with dots between");
            Set(recipe, names, YamlTree.ParseValue(setting[(equals + 1)..], Place), key);
        }
    }

    private static void Set(YamlMapping mapping, ReadOnlySpan<string> names, YamlNode value, string key)
    {
        string name = names[0];
        int index = mapping.Entries.FindIndex(e => e.Key == name);
        if (names.Length > 1)
        {
            YamlNode? child = index < 0 ? null : mapping.Entries[index].Value;
            if (child is YamlScalar { IsNone: true }) child = null;
            if (child is not (null or YamlMapping)) throw new RecipeException(Place, key, $"{name} is a value at {child.Place}, it has no keys");
            var inner = child as YamlMapping ?? new YamlMapping(Place);
            Set(inner, names[1..], value, key);
            value = inner;
        }
        var entry = new YamlEntry(name, index < 0 ? Place : mapping.Entries[index].KeyPlace, value);
        if (index < 0) mapping.Entries.Add(entry);
        else mapping.Entries[index] = entry;
    }
}
