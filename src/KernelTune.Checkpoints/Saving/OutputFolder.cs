namespace KernelTune.Checkpoints;

/// <summary>The folder that a run is to write into, looked at before the run begins.</summary>
public static class OutputFolder
{
    /// <summary>
    /// Creates <paramref name="path"/> where it is absent and proves that it can be written to. With <paramref name="mustBeEmpty"/> it holds
    /// nothing yet (a lock file and temporaries do not count).
    /// </summary>
    /// <exception cref="CheckpointStorageException">Read-only, full, a file in the folder's place, or not empty.</exception>
    public static void Prepare(string path, bool mustBeEmpty)
    {
        var steps = new SaveSteps(null);
        if (Posix.KindOf(path) is Posix.Kind.Regular or Posix.Kind.Other)
            throw new CheckpointStorageException(path, StorageFault.Other, "a file stands there, a folder wanted");
        steps.CreateFolder(path);
        if (mustBeEmpty && Directory.EnumerateFileSystemEntries(path).Select(Path.GetFileName).FirstOrDefault(IsContent) is { } first)
            throw new CheckpointStorageException(
                path, StorageFault.NotEmpty, $"it is not empty (it holds {CheckpointException.Quote(first!)}), an empty folder wanted");

        var trial = Path.Combine(path, AtomicFile.TemporaryPrefix + "trial");
        using (var stream = new SaveStream(trial, steps, hashed: false))
        {
            stream.Write("x"u8);
            stream.Finish();
        }

        steps.DeleteFile(trial);
    }

    private static bool IsContent(string? name) =>
        name != FolderLock.FileName && name?.StartsWith(AtomicFile.TemporaryPrefix, StringComparison.Ordinal) == false;
}
