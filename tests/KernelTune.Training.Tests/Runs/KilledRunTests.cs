using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using KernelTune.Checkpoints;
using KernelTune.Kernels.Numerics;
using KernelTune.Training.Recipes;
using KernelTune.Training.Runs;

namespace KernelTune.Training.Tests.Runs;

/// <summary>Fault 53: a run that is killed at any moment and resumed ends in the bits of one that never was.</summary>
public sealed class KilledRunTests
{
    [Test]
    public void Fault53_what_stands_on_the_disk_at_every_moment_of_every_save_resumes_to_the_same_bits()
    {
        using var world = new TinyWorld();
        var whole = KilledRun.Recipe(world, "whole");
        var pictures = new Pictures(whole.Output, world["pictures"]);
        Drive.OnCpu(whole, probe: pictures);
        Assert.That(pictures.Taken, Has.Count.GreaterThan(60));

        foreach (string picture in pictures.Taken)
        {
            var resumed = whole with { Output = picture };
            Drive.OnCpu(resumed, resume: File.Exists(Path.Combine(picture, "recipe.yaml")));
            Drive.AssertSame(whole.Output, picture, Path.GetFileName(picture));
            Assert.That(Directory.GetFileSystemEntries(picture).Select(Path.GetFileName), Has.None.StartsWith(".tmp-").And.None.StartsWith(".old-"));
            Directory.Delete(picture, recursive: true);
        }
    }

    [Test]
    public void Fault53_a_process_that_is_killed_in_a_save_and_at_random_moments_resumes_to_the_same_bits()
    {
        using var world = new TinyWorld();
        var whole = KilledRun.Recipe(world, "whole");
        Drive.OnCpu(whole);
        var killed = KilledRun.Recipe(world, "killed");
        var random = new Random(53);
        int kills = 0;
        // In turn at a moment of a save and after some milliseconds of training; each time a little later, so that it comes to its end.
        for (int turn = 0; turn < 12; turn++)
        {
            int code = turn % 2 == 0 ? KilledRun.Start(world.Folder, "killed", 5 + (turn * 17), null) : KilledRun.Start(world.Folder, "killed", 0, random.Next(250, 900));
            Assert.That(code, Is.AnyOf(0, 137));
            kills += code == 137 ? 1 : 0;
            if (code == 0)
                break;
        }
        Assert.That(kills, Is.GreaterThanOrEqualTo(1));
        Drive.OnCpu(killed, resume: File.Exists(Path.Combine(killed.Output, "recipe.yaml")));
        Drive.AssertSame(whole.Output, killed.Output, $"killed {kills} times");
    }

    [TestCase(InstructionSet.Avx2, "DOTNET_EnableAVX512")]
    [TestCase(InstructionSet.Portable, "DOTNET_EnableAVX2")]
    public void A_process_without_the_wider_instructions_ends_in_the_same_bits(InstructionSet set, string without)
    {
        if (InstructionSets.Best <= set)
            Assert.Ignore($"this machine has {InstructionSets.Best} at most");
        using var world = new TinyWorld();
        var whole = KilledRun.Recipe(world, "whole");
        Drive.OnCpu(whole);
        Assert.That(KilledRun.Start(world.Folder, "other", 0, null, set, without), Is.Zero, "3: it had other instructions");
        Drive.AssertSame(whole.Output, world["other"], $"{InstructionSets.Best} and {set}");
    }

    /// <summary>Copies the run's folder whenever a save is about to do something, or has: what a killed process leaves is what the files hold then.</summary>
    private sealed class Pictures(string output, string into) : ISaveProbe
    {
        private readonly HashSet<string> seen = [];

        public List<string> Taken { get; } = [];

        public void Before(SaveAction action, string path) => Take($"before-{action}");

        public void After(SaveAction action, string path) => Take($"after-{action}");

        private void Take(string moment)
        {
            if (!Directory.Exists(output) || !seen.Add(Fingerprint()))
                return;
            string picture = Path.Combine(into, string.Create(CultureInfo.InvariantCulture, $"{Taken.Count:D3}-{moment}"));
            ResumeTests.Copy(output, picture);
            Taken.Add(picture);
        }

        private string Fingerprint()
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            foreach (string entry in Directory.GetFileSystemEntries(output, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
            {
                hash.AppendData(Encoding.UTF8.GetBytes(entry + "\n"));
                if (File.Exists(entry) && Path.GetFileName(entry) != FolderLock.FileName)
                    hash.AppendData(File.ReadAllBytes(entry));
            }
            return Convert.ToHexString(hash.GetHashAndReset());
        }
    }
}

/// <summary>
/// The process that is killed: run as <c>train FOLDER OUTPUT MOMENT SET</c> it trains with the widest instructions that it finds, which must be that set, and ends itself
/// with SIGKILL at that moment of its saves.
/// </summary>
internal static class KilledRun
{
    public static int Main(string[] args)
    {
        if (args is not ["train", var folder, var output, var moment, var set])
            return 0;
        if (InstructionSets.Best.ToString() != set)
            return 3;
        using var world = new TinyWorld(folder);
        var recipe = Recipe(world, output);
        Drive.OnCpu(recipe, resume: File.Exists(Path.Combine(recipe.Output, "recipe.yaml")), probe: new KillAt(int.Parse(moment, CultureInfo.InvariantCulture)));
        return 0;
    }

    public static Recipe Recipe(TinyWorld world, string output)
    {
        var recipe = ResumeTests.Hard(world, MethodKind.Lora, false, output);
        return recipe with
        {
            Training = recipe.Training with { MaxSteps = 4 },
            Evaluation = recipe.Evaluation with { Every = 2 },
            Checkpoint = new CheckpointSettings { Every = 2, Keep = 1 },
        };
    }

    /// <summary>Starts the child; kills it from outside where <paramref name="milliseconds"/> are given; takes instructions away by an environment variable where one is.</summary>
    public static int Start(string folder, string output, int moment, int? milliseconds, InstructionSet? set = null, string? without = null)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath is { } host && Path.GetFileNameWithoutExtension(host) == "dotnet" ? host : "dotnet")
        {
            ArgumentList = { typeof(KilledRun).Assembly.Location, "train", folder, output, moment.ToString(CultureInfo.InvariantCulture), (set ?? InstructionSets.Best).ToString() },
        };
        if (without is not null)
            start.Environment[without] = "0";
        using var child = Process.Start(start)!;
        if (milliseconds is { } wait && !child.WaitForExit(wait))
            child.Kill();
        child.WaitForExit();
        return child.ExitCode;
    }

    private sealed class KillAt(int n) : ISaveProbe
    {
        private int count;

        public void Before(SaveAction action, string path) => Moment();

        public void After(SaveAction action, string path) => Moment();

        private void Moment()
        {
            if (++count != n)
                return;
            Process.GetCurrentProcess().Kill();     // SIGKILL: nothing after this runs
            Thread.Sleep(Timeout.Infinite);
        }
    }
}
