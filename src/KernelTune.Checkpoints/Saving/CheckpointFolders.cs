using System.Globalization;

namespace KernelTune.Checkpoints;

/// <summary>A checkpoint that was found complete, and the newer ones that were not, with the reason for each.</summary>
/// <param name="Path">Its folder; null where none is complete.</param>
/// <param name="Step">The number in its name; -1 where none is complete.</param>
/// <param name="Rejected">What is wrong with each newer one.</param>
public sealed record FoundCheckpoint(string? Path, long Step, IReadOnlyList<CheckpointException> Rejected);

/// <summary>The checkpoints of a run folder: <c>checkpoint-N/</c>, each with a manifest.</summary>
public static class CheckpointFolders
{
    public const string DefaultPrefix = "checkpoint-";

    /// <summary>The folders called prefix and a number, by rising number, whether complete or not.</summary>
    public static IReadOnlyList<(long Step, string Path)> List(string runFolder, string prefix = DefaultPrefix)
    {
        if (!Directory.Exists(runFolder))
            return [];
        var found = new List<(long Step, string Path)>();
        foreach (var folder in Directory.EnumerateDirectories(runFolder, prefix + "*"))
        {
            if (long.TryParse(Path.GetFileName(folder).AsSpan(prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var step))
                found.Add((step, folder));
        }

        found.Sort();
        return found;
    }

    /// <summary>
    /// The newest checkpoint whose files all have the size and hash that its manifest says; damaged ones are passed over and reported. The
    /// folders themselves are asked, not <c>latest</c>, which a crash may leave one behind.
    /// </summary>
    public static FoundCheckpoint LastComplete(string runFolder, string prefix = DefaultPrefix)
    {
        var rejected = new List<CheckpointException>();
        foreach (var (step, path) in List(runFolder, prefix).Reverse())
        {
            try
            {
                Manifest.Read(path).Verify(path);
                return new FoundCheckpoint(path, step, rejected);
            }
            catch (CheckpointException e)
            {
                rejected.Add(e);
            }
        }

        return new FoundCheckpoint(null, -1, rejected);
    }

    /// <summary>
    /// Removes what a crash left behind: temporaries of saves; a replaced folder, which gets its name back where the new one never took it.
    /// Call it with the run folder's lock held.
    /// </summary>
    /// <returns>The paths that were removed or brought back.</returns>
    /// <exception cref="CheckpointStorageException">The folder cannot be written to.</exception>
    public static IReadOnlyList<string> Sweep(string runFolder, ISaveProbe? probe = null)
    {
        if (!Directory.Exists(runFolder))
            return [];
        var steps = new SaveSteps(probe);
        var swept = new List<string>();
        foreach (var replaced in Directory.GetDirectories(runFolder, AtomicFolder.ReplacedPrefix + "*"))
        {
            var name = Path.Combine(runFolder, Path.GetFileName(replaced)[AtomicFolder.ReplacedPrefix.Length..]);
            if (Directory.Exists(name))
                steps.DeleteFolder(replaced);
            else
                steps.RenameFolder(replaced, name);
            swept.Add(replaced);
        }

        foreach (var temporary in Directory.GetDirectories(runFolder, AtomicFile.TemporaryPrefix + "*"))
        {
            steps.DeleteFolder(temporary);
            swept.Add(temporary);
        }

        foreach (var temporary in Directory.GetFiles(runFolder, AtomicFile.TemporaryPrefix + "*"))
        {
            steps.DeleteFile(temporary);
            swept.Add(temporary);
        }

        return swept;
    }

    /// <summary>Deletes the oldest checkpoints until <paramref name="keep"/> are left.</summary>
    public static void Prune(string runFolder, int keep, string prefix = DefaultPrefix, ISaveProbe? probe = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(keep);
        var steps = new SaveSteps(probe);
        foreach (var (_, path) in List(runFolder, prefix).SkipLast(keep))
        {
            // Under a temporary's name first: a half-deleted folder is then swept, never taken for a damaged checkpoint.
            var leaving = Path.Combine(runFolder, AtomicFile.TemporaryPrefix + Path.GetFileName(path));
            if (Directory.Exists(leaving))
                steps.DeleteFolder(leaving);
            steps.RenameFolder(path, leaving);
            steps.DeleteFolder(leaving);
        }
    }
}
