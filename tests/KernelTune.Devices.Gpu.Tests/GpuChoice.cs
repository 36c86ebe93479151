namespace KernelTune.Devices.Gpu.Tests;

/// <summary>The accelerators that tests run on: the simulated one everywhere, OpenCL and CUDA where they are found (<see cref="PresenceTests"/> reports those that are not).</summary>
internal static class GpuChoice
{
    /// <summary>What was looked for, the first device of each kind.</summary>
    public static IReadOnlyList<FoundDevice> Found { get; } = [.. GpuDevices.Find().Where(d => !d.Name.Contains(':', StringComparison.Ordinal))];

    /// <summary>The names of those that are there.</summary>
    public static IEnumerable<string> Present => Found.Where(d => d.Present).Select(d => d.Name);

    /// <summary>A family's folder of the goldens: <c>KERNELTUNE_GOLDENS</c>, else <c>../shared/goldens</c> beside the repository's root.</summary>
    public static string GoldensOrIgnore(string family)
    {
        string? folder = Environment.GetEnvironmentVariable("KERNELTUNE_GOLDENS");
        if (string.IsNullOrEmpty(folder))
        {
            DirectoryInfo? root = new(TestContext.CurrentContext.TestDirectory);
            while (root is not null && !File.Exists(Path.Combine(root.FullName, "KernelTune.sln")))
                root = root.Parent;
            folder = Path.Combine(root?.Parent?.FullName ?? "", "shared", "goldens");
        }
        folder = Path.Combine(folder, family);
        if (!Directory.Exists(folder))
            Assert.Ignore($"{folder}: there are no goldens here");
        return folder;
    }
}
