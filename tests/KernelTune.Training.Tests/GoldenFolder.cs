namespace KernelTune.Training.Tests;

/// <summary>Where the goldens are: <c>KERNELTUNE_GOLDENS</c>, else <c>../shared/goldens</c> beside the repository's root.</summary>
internal static class GoldenFolder
{
    public static string Of(string family)
    {
        string folder = PathOf(family);
        if (!Directory.Exists(folder))
            Assert.Ignore($"{folder} is absent: no goldens to run");
        return folder;
    }

    /// <summary>The family's folder, whether it is there or not.</summary>
    public static string PathOf(string family)
    {
        string root = Environment.GetEnvironmentVariable("KERNELTUNE_GOLDENS") is { Length: > 0 } set ? set : Path.Combine(RepositoryRoot(), "..", "shared", "goldens");
        return Path.GetFullPath(Path.Combine(root, family));
    }

    private static string RepositoryRoot()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, "KernelTune.sln")))
                return folder.FullName;
        return AppContext.BaseDirectory;
    }
}
