using System.Text.RegularExpressions;

namespace KernelTune.Cli.Recipes;

/// <summary>Paths as a recipe means them: from the folder that the recipe is in.</summary>
internal sealed partial class RecipePaths(string recipe)
{
    private readonly string _folder = Path.GetDirectoryName(Path.GetFullPath(recipe)) ?? "/";

    public string Absolute(string path)
    {
        if (path == "~" || path.StartsWith("~/", StringComparison.Ordinal))
            path = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile) + path[1..];
        return Path.GetFullPath(path, _folder);
    }

    /// <summary>A model's name stays as it is where it looks like org/name and no such folder or file exists: it is looked for in the Hugging Face cache.</summary>
    public string Model(string name)
    {
        string path = Absolute(name);
        return HubName().IsMatch(name) && !Directory.Exists(path) && !File.Exists(path) ? name : path;
    }

    [GeneratedRegex("^[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*$", RegexOptions.CultureInvariant)]
    private static partial Regex HubName();
}
