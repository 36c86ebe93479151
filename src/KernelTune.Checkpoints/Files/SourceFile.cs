using Microsoft.Win32.SafeHandles;

namespace KernelTune.Checkpoints;

/// <summary>
/// A file that is read at given offsets, by any number of threads. Never mapped into memory: a mapped file that is cut short while it is
/// read ends the process, a read that comes back short is an error like any other.
/// </summary>
internal sealed class SourceFile : IDisposable
{
    private static ReadOnlySpan<byte> LfsPointer => "version https://git-lfs.github.com/spec/"u8;

    private readonly SafeFileHandle _handle;

    private SourceFile(string path, SafeFileHandle handle)
    {
        Path = path;
        _handle = handle;
        Length = RandomAccess.GetLength(handle);
    }

    public string Path { get; }

    /// <summary>The length when the file was opened.</summary>
    public long Length { get; }

    /// <summary>Opens a regular file for reading.</summary>
    /// <exception cref="CheckpointException">Nothing there, a folder, a device or pipe, no permission; a Git LFS pointer in the file's place.</exception>
    public static SourceFile Open(string path)
    {
        RequireRegular(path);
        SafeFileHandle handle;
        try
        {
            handle = System.IO.File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException(path, $"cannot be opened for reading ({FirstLine(e)})", inner: e);
        }

        var file = new SourceFile(path, handle);
        try
        {
            file.RefuseLfsPointer();
            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>The whole of a small file, such as a config.</summary>
    /// <exception cref="CheckpointException">As <see cref="Open"/>, or the file is longer than <paramref name="most"/> bytes.</exception>
    public static byte[] ReadAll(string path, long most)
    {
        using var file = Open(path);
        if (file.Length > most)
            throw new CheckpointException(path, $"{file.Length} bytes found, at most {most} wanted");
        var bytes = new byte[file.Length];
        file.ReadExactly(0, bytes);
        return bytes;
    }

    /// <summary>Fills <paramref name="into"/> from <paramref name="offset"/> on.</summary>
    /// <exception cref="CheckpointException">The file ends before it is full: it was cut short since it was opened.</exception>
    public void ReadExactly(long offset, Span<byte> into, string? tensor = null)
    {
        var done = 0;
        while (done < into.Length)
        {
            int n;
            try
            {
                n = RandomAccess.Read(_handle, into[done..], offset + done);
            }
            catch (IOException e)
            {
                throw new CheckpointException(Path, $"cannot be read ({FirstLine(e)})", offset + done, tensor, e);
            }

            if (n == 0)
                throw new CheckpointException(
                    Path, $"the file ends here, {into.Length - done} more bytes wanted (it had {Length} bytes when it was opened)", offset + done, tensor);
            done += n;
        }
    }

    public void Dispose() => _handle.Dispose();

    internal static string FirstLine(Exception e) => e.Message.Split('\n', 2)[0].TrimEnd('\r', '.');

    private static void RequireRegular(string path)
    {
        switch (Posix.KindOf(path))
        {
            case Posix.Kind.Folder:
                throw new CheckpointException(path, "a folder was found, a file wanted");
            case Posix.Kind.Other:
                throw new CheckpointException(path, "a device or pipe was found, a regular file wanted");
            case Posix.Kind.Unknown when new FileInfo(path).LinkTarget is { } target:
                throw new CheckpointException(path, $"a link to {CheckpointException.Quote(target)} was found, and nothing is there");
            case Posix.Kind.Unknown when !System.IO.File.Exists(path):
                throw new CheckpointException(path, "no such file");
        }
    }

    private void RefuseLfsPointer()
    {
        if (Length < LfsPointer.Length || Length > 1024)
            return;
        Span<byte> start = stackalloc byte[LfsPointer.Length];
        ReadExactly(0, start);
        if (start.SequenceEqual(LfsPointer))
            throw new CheckpointException(Path, "a Git LFS pointer was found, the file itself wanted (git lfs pull fetches it)", 0);
    }
}
