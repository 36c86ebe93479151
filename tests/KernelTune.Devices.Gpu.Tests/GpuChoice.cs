namespace KernelTune.Devices.Gpu.Tests;

/// <summary>The accelerators that tests run on: the simulated one everywhere, OpenCL and CUDA where they are found.</summary>
internal static class GpuChoice
{
    public static IEnumerable<string> Names => ["simulated", "opencl", "cuda"];

    /// <summary>Ignores the test where there is no such device, with the reason.</summary>
    public static void OrIgnore(string name)
    {
        var found = GpuDevices.Find().First(d => d.Name == name);
        if (!found.Present)
            Assert.Ignore($"{name}: {found.Why}");
    }

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
