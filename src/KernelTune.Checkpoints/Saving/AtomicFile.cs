namespace KernelTune.Checkpoints;

/// <summary>A file that is replaced as a whole: after a crash at any moment either the old or the new one stands there, complete.</summary>
public static class AtomicFile
{
    /// <summary>What temporaries of a save begin with; <see cref="CheckpointFolders.Sweep"/> removes them.</summary>
    public const string TemporaryPrefix = ".tmp-";

    /// <summary>
    /// Writes beside <paramref name="path"/>, flushes, renames, flushes the folder. A device or pipe in the file's place is written to as it is.
    /// </summary>
    /// <exception cref="CheckpointStorageException">
    /// The disk is full, read-only or otherwise refuses; what stood at <paramref name="path"/> still does.
    /// </exception>
    public static void Write(string path, Action<Stream> write, ISaveProbe? probe = null)
    {
        ArgumentNullException.ThrowIfNull(write);
        var steps = new SaveSteps(probe);
        var full = Path.GetFullPath(path);
        var folder = Path.GetDirectoryName(full) ?? full;
        switch (Posix.KindOf(full))
        {
            case Posix.Kind.Folder:
                throw new CheckpointStorageException(path, StorageFault.Other, "a folder stands there, a file was to be written");
            case Posix.Kind.Other:
                using (var device = new SaveStream(full, steps, hashed: false))
                    write(device);
                return;
        }

        var temporary = Path.Combine(folder, TemporaryPrefix + Path.GetFileName(full));
        try
        {
            using (var stream = new SaveStream(temporary, steps, hashed: false))
            {
                write(stream);
                stream.Finish();
            }

            steps.RenameFile(temporary, full);
        }
        catch
        {
            Abandon(temporary);
            throw;
        }

        steps.SyncFolder(folder);
    }

    /// <summary><see cref="Write(string, Action{Stream}, ISaveProbe?)"/> of bytes that are at hand.</summary>
    public static void Write(string path, ReadOnlySpan<byte> bytes, ISaveProbe? probe = null)
    {
        var copy = bytes.ToArray();
        Write(path, stream => stream.Write(copy), probe);
    }

    // The error that brought us here is the one to report; a temporary that stays behind is swept by the next run.
    private static void Abandon(string temporary)
    {
        try
        {
            File.Delete(temporary);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
        }
    }
}
