using System.Diagnostics;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;
using KernelTune.Training.Recipes;

namespace KernelTune.Training.Runs;

/// <summary>What makes a run the same run: versions and hashes, and which settings may change when it is resumed.</summary>
internal static class RunIdentity
{
    public const string RecipeFile = "recipe.yaml";
    public const string RunFile = "run.json";
    public const string DataFile = "data.json";

    public static string Version => typeof(RunIdentity).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";

    public static string Machine => $"{RuntimeInformation.OSDescription} {RuntimeInformation.ProcessArchitecture}, {Environment.ProcessorCount} processors";

    /// <summary>The commit of the work tree that the program runs in, or empty.</summary>
    public static string Commit()
    {
        try
        {
            using var git = Process.Start(new ProcessStartInfo("git", "rev-parse HEAD")
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                WorkingDirectory = AppContext.BaseDirectory,
            });
            if (git is null || !git.WaitForExit(2000) || git.ExitCode != 0)
                return "";
            return git.StandardOutput.ReadToEnd().Trim();
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return "";
        }
    }

    /// <summary>SHA-256 over the contents of files in their order.</summary>
    public static string HashOf(IEnumerable<string> files)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[1 << 20];
        foreach (string file in files)
        {
            using var stream = File.OpenRead(file);
            int n;
            while ((n = stream.Read(buffer)) > 0)
                hash.AppendData(buffer.AsSpan(0, n));
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Compares the recipe with the one that the run began with. RESUME.md says what may change and what refuses.</summary>
    /// <exception cref="ResumeException">They differ in something that makes another run of it: named by the first line that differs.</exception>
    public static void Check(Recipe recipe, string output)
    {
        string file = Path.Combine(output, RecipeFile);
        if (!File.Exists(file))
            throw new ResumeException($"{file}: missing: there is no run to resume");
        var began = Lines(File.ReadAllText(file)).ToArray();
        var now = Lines(RecipeWriter.Write(recipe)).ToArray();
        for (int i = 0; i < Math.Max(began.Length, now.Length); i++)
        {
            string was = i < began.Length ? began[i] : "nothing", wanted = i < now.Length ? now[i] : "nothing";
            if (was != wanted)
                throw new ResumeException($"{file}: the run began with «{was.Trim()}»; the recipe now says «{wanted.Trim()}»: that would be another run");
        }
    }

    /// <summary>The micro-batch that a run began with, from its resolved recipe; null: there is none that says it.</summary>
    public static int? BatchSize(string output)
    {
        const string Key = "  batch_size: ";
        string file = Path.Combine(output, RecipeFile);
        string? line = File.Exists(file) ? File.ReadLines(file).FirstOrDefault(l => l.StartsWith(Key, StringComparison.Ordinal)) : null;
        return int.TryParse(line?[Key.Length..], System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out int size) && size > 0 ? size : null;
    }

    /// <summary>Compares the base's weights with those that the run began with.</summary>
    /// <exception cref="ResumeException">They are others.</exception>
    public static void CheckBase(string output, string hash)
    {
        string file = Path.Combine(output, RunFile);
        if (!File.Exists(file))
            return;
        Runs.RunFile? began;
        try
        {
            began = JsonSerializer.Deserialize(File.ReadAllBytes(file), RunJson.Default.RunFile);
        }
        catch (JsonException e)
        {
            throw new ResumeException($"{file}: not a run's description: {e.Message}");
        }
        if (began is not null && began.BaseSha256 != hash)
            throw new ResumeException($"{file}: the run began with base weights that hash to {Short(began.BaseSha256)}; those of the model now hash to {Short(hash)}: that would be another run");
    }

    private static string Short(string hash) => hash.Length > 12 ? hash[..12] + "…" : hash.Length == 0 ? "nothing" : hash;

    // The lines that decide the run's numbers. Where the base and the training rows lie does not: hashes say whether they are the same.
    private static IEnumerable<string> Lines(string yaml)
    {
        string block = "";
        foreach (string line in yaml.Split('\n'))
        {
            if (line.Length > 0 && line[0] != ' ')
                block = line.Split(':')[0];
            string key = line.Trim().Split(':')[0];
            bool free = block is "model" or "adapter" or "evaluation" or "checkpoint" or "device" or "memory_limit" or "output"
                || (block == "data" && key is "train" or "test")
                || (block == "training" && key is "num_epochs" or "max_steps" or "early_stopping");
            if (!free && line.Trim().Length > 0)
                yield return line;
        }
    }
}
