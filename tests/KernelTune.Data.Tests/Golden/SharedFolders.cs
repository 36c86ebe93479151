namespace KernelTune.Data.Tests.Golden;

/// <summary>The goldens and the real models: <c>KERNELTUNE_GOLDENS</c> and <c>KERNELTUNE_MODELS</c>, else <c>../shared</c> beside the repository's root.</summary>
internal static class SharedFolders
{
    public static string Goldens(string inside) => Existing(Environment.GetEnvironmentVariable("KERNELTUNE_GOLDENS"), "goldens", inside);

    public static string Models(string inside) => Existing(Environment.GetEnvironmentVariable("KERNELTUNE_MODELS"), "models", inside);

    private static string Existing(string? set, string name, string inside)
    {
        string folder = Path.GetFullPath(Path.Combine(set is { Length: > 0 } ? set : Path.Combine(RepositoryRoot(), "..", "shared", name), inside));
        if (!Directory.Exists(folder)) Assert.Ignore($"{folder} is absent: nothing to run");
        return folder;
    }

    private static string RepositoryRoot()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, "KernelTune.sln"))) return folder.FullName;
        return AppContext.BaseDirectory;
    }
}
