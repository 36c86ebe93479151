namespace KernelTune.Text.Tests.Tokenizers;

/// <summary>The goldens and models beside the repository; a test that needs one is ignored, with the reason, where it is absent.</summary>
internal static class Shared
{
    public static string Golden(params string[] parts) => Find("KERNELTUNE_GOLDENS", "goldens", parts);

    public static string Model(params string[] parts) => Find("KERNELTUNE_MODELS", "models", parts);

    private static string Find(string variable, string folder, string[] parts)
    {
        string root = Environment.GetEnvironmentVariable(variable) is { Length: > 0 } set ? set : Path.GetFullPath(Path.Combine(RepositoryRoot(), "..", "shared", folder));
        if (!Directory.Exists(root)) Assert.Ignore($"{root} is absent ({variable} names another place)");
        return Path.Combine([root, .. parts]);
    }

    private static string RepositoryRoot()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, "KernelTune.sln"))) return folder.FullName;
        return AppContext.BaseDirectory;
    }
}
