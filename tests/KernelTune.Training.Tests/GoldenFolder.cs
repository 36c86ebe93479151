namespace KernelTune.Training.Tests;

/// <summary>Where the goldens are: <c>KERNELTUNE_GOLDENS</c>, else <c>../shared/goldens</c> beside the repository's root.</summary>
internal static class GoldenFolder
{
    public static string Of(string family)
    {
        string root = Environment.GetEnvironmentVariable("KERNELTUNE_GOLDENS") is { Length: > 0 } set ? set : Path.Combine(RepositoryRoot(), "..", "shared", "goldens");
        string folder = Path.GetFullPath(Path.Combine(root, family));
        if (!Directory.Exists(folder))
            Assert.Ignore($"{folder} is absent: no goldens to run");
        return folder;
    }

    private static string RepositoryRoot()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, "KernelTune.sln")))
                return folder.FullName;
        return AppContext.BaseDirectory;
    }
}
