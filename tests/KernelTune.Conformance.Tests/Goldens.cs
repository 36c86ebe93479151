namespace KernelTune.Conformance.Tests;

/// <summary>Where the goldens are: <c>KERNELTUNE_GOLDENS</c>, else <c>../shared/goldens</c> beside the repository's root.</summary>
internal static class Goldens
{
    public static string Folder { get; } = Environment.GetEnvironmentVariable("KERNELTUNE_GOLDENS") is { Length: > 0 } set
        ? set
        : Path.GetFullPath(Path.Combine(RepositoryRoot(), "..", "shared", "goldens"));

    public static bool Exist => Directory.Exists(Folder);

    private static string RepositoryRoot()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, "KernelTune.sln")))
                return folder.FullName;
        return AppContext.BaseDirectory;
    }
}
