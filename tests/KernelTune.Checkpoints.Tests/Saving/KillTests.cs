using System.Diagnostics;
using System.Globalization;

namespace KernelTune.Checkpoints.Tests;

/// <summary>Fault 53: a process is killed before and after every write, flush and rename of a save; what was saved before, or the new, is there whole.</summary>
public sealed class KillTests
{
    [TestCase("checkpoint")]
    [TestCase("best")]
    [TestCase("file")]
    public void Fault53_kill_at_every_moment_leaves_the_old_or_the_new(string what)
    {
        var moments = 0;
        for (var n = 1; moments == 0; n++)
        {
            using var scratch = new ScratchFolder();
            SaveChild.Save(what, scratch.Path, 1, null);
            var (code, output) = RunChild(what, scratch.Path, n);
            if (code == 0)
                moments = int.Parse(output, CultureInfo.InvariantCulture);
            else
                Assert.That(code, Is.EqualTo(137), output);

            CheckpointFolders.Sweep(scratch.Path);
            Assert.That(Directory.GetFileSystemEntries(scratch.Path).Select(Path.GetFileName), Has.None.StartsWith(".tmp-").And.None.StartsWith(".old-"), $"moment {n}");
            var version = Check(what, scratch.Path);
            if (moments > 0)
                Assert.That(version, Is.EqualTo(2));
        }

        Assert.That(moments, Is.GreaterThanOrEqualTo(what == "file" ? 10 : 20));
    }

    private static int Check(string what, string folder)
    {
        if (what == "file")
            return VersionOf(File.ReadAllBytes(Path.Combine(folder, "file.txt")));

        string path;
        if (what == "best")
        {
            path = Path.Combine(folder, "best");
            Manifest.Read(path).Verify(path);
        }
        else
        {
            var found = CheckpointFolders.LastComplete(folder);
            Assert.That(found.Rejected, Is.Empty);
            path = found.Path!;
            var latest = File.ReadAllText(Path.Combine(folder, AtomicFolder.LatestFile)).TrimEnd('\n');
            Assert.That(Directory.Exists(Path.Combine(folder, latest)), latest);
        }

        var version = VersionOf(File.ReadAllBytes(Path.Combine(path, "state", "optimizer.bin")));
        using var weights = SafetensorsFile.Open(Path.Combine(path, "adapter_model.safetensors"));
        Assert.That(weights.ReadF32("a"), Is.EqualTo(new float[] { version, version, version }));
        return version;
    }

    private static int VersionOf(byte[] content)
    {
        foreach (var version in new[] { 1, 2 })
        {
            if (content.AsSpan().SequenceEqual(SaveChild.Content(version)))
                return version;
        }

        Assert.Fail($"{content.Length} bytes of neither version");
        return 0;
    }

    private static (int Code, string Output) RunChild(string what, string folder, int n)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath is { } host && Path.GetFileNameWithoutExtension(host) == "dotnet" ? host : "dotnet")
        {
            RedirectStandardOutput = true,
            ArgumentList = { typeof(SaveChild).Assembly.Location, "save", what, folder, n.ToString(CultureInfo.InvariantCulture) },
        };
        using var child = Process.Start(start)!;
        var output = child.StandardOutput.ReadToEnd();
        child.WaitForExit();
        return (child.ExitCode, output);
    }
}
