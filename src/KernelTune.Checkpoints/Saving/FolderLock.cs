using System.Globalization;
using System.Text;

namespace KernelTune.Checkpoints;

/// <summary>
/// One run to a folder: an exclusive lock on the file <c>.lock</c> in it, which the system releases when the process ends, however it ends.
/// </summary>
public sealed class FolderLock : IDisposable
{
    public const string FileName = ".lock";

    private readonly FileStream _file;

    private FolderLock(FileStream file) => _file = file;

    /// <summary>Takes the lock of <paramref name="folder"/>, which must exist.</summary>
    /// <exception cref="CheckpointStorageException">Another run holds it, or the folder cannot be written to.</exception>
    public static FolderLock Take(string folder)
    {
        var path = Path.Combine(folder, FileName);
        FileStream file;
        try
        {
            file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            var other = CheckpointStorageException.From(path, SaveAction.Create, e);
            throw other.Fault == StorageFault.Other && File.Exists(path)
                ? new CheckpointStorageException(folder, StorageFault.Locked, "another run is using this folder (it holds .lock)", e)
                : other;
        }

        try
        {
            file.SetLength(0);
            file.Write(Encoding.ASCII.GetBytes(Environment.ProcessId.ToString(CultureInfo.InvariantCulture) + "\n"));
            file.Flush();
            return new FolderLock(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            file.Dispose();
            throw CheckpointStorageException.From(path, SaveAction.Write, e);
        }
    }

    public void Dispose() => _file.Dispose();
}
