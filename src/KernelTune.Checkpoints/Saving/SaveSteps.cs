using Microsoft.Win32.SafeHandles;

namespace KernelTune.Checkpoints;

/// <summary>Every step that a save is made of: told to the probe, its errors turned into ours.</summary>
internal readonly struct SaveSteps(ISaveProbe? probe)
{
    public void CreateFolder(string path) => Do(SaveAction.Create, path, static p => Directory.CreateDirectory(p));

    public SafeFileHandle CreateFile(string path)
    {
        SafeFileHandle? handle = null;
        Do(SaveAction.Create, path, p => handle = File.OpenHandle(p, FileMode.Create, FileAccess.Write, FileShare.Read));
        return handle!;
    }

    public void Write(SafeFileHandle handle, string path, ReadOnlySpan<byte> bytes, long offset)
    {
        probe?.Before(SaveAction.Write, path);
        try
        {
            RandomAccess.Write(handle, bytes, offset);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CheckpointStorageException.From(path, SaveAction.Write, e);
        }

        probe?.After(SaveAction.Write, path);
    }

    public void Flush(SafeFileHandle handle, string path) => Do(SaveAction.Flush, path, _ => RandomAccess.FlushToDisk(handle));

    public void SyncFolder(string path) => Do(SaveAction.SyncFolder, path, static p =>
    {
        var error = Posix.SyncFolder(p);
        if (error != 0)
            throw new IOException($"error {error}", error);
    });

    public void RenameFile(string from, string to) => Do(SaveAction.Rename, to, p => File.Move(from, p, overwrite: true));

    public void RenameFolder(string from, string to) => Do(SaveAction.Rename, to, p => Directory.Move(from, p));

    /// <summary>Exchanges two folders in one step, where the system can.</summary>
    public bool TryExchange(string from, string to)
    {
        probe?.Before(SaveAction.Rename, to);
        var done = Posix.TryExchange(from, to);
        probe?.After(SaveAction.Rename, to);
        return done;
    }

    public void DeleteFile(string path) => Do(SaveAction.Delete, path, File.Delete);

    public void DeleteFolder(string path) => Do(SaveAction.Delete, path, static p => Directory.Delete(p, recursive: true));

    private void Do(SaveAction action, string path, Action<string> step)
    {
        probe?.Before(action, path);
        try
        {
            step(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CheckpointStorageException.From(path, action, e);
        }

        probe?.After(action, path);
    }
}
