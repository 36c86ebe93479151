using System.Runtime.InteropServices;

namespace KernelTune.Checkpoints;

/// <summary>The few calls of libc that .NET has no name for: folders that are flushed, folders that are exchanged, what kind of file a path is.</summary>
internal static partial class Posix
{
    private const int CurrentFolder = -100;
    private const uint Exchange = 2;
    private const uint TypeMask = 0xF000;

    /// <summary>What a path leads to, links followed.</summary>
    public enum Kind
    {
        Unknown,
        Regular,
        Folder,
        Other,
    }

    /// <summary>The kind of what <paramref name="path"/> leads to; Unknown where nothing is there or the system has no such call.</summary>
    public static unsafe Kind KindOf(string path)
    {
        if (!OperatingSystem.IsLinux())
            return System.IO.File.Exists(path) ? Kind.Regular : Directory.Exists(path) ? Kind.Folder : Kind.Unknown;

        // struct statx has one layout on every architecture: 256 bytes, stx_mode is the u16 at byte 28.
        var status = stackalloc byte[256];
        if (StatX(CurrentFolder, path, 0, 1, status) != 0)
            return Kind.Unknown;
        return (*(ushort*)(status + 28) & TypeMask) switch
        {
            0x8000 => Kind.Regular,
            0x4000 => Kind.Folder,
            _ => Kind.Other,
        };
    }

    /// <summary>Makes the names in a folder durable. 0, or the error number. A system without the call has nothing to flush.</summary>
    public static int SyncFolder(string path)
    {
        if (OperatingSystem.IsWindows())
            return 0;
        var descriptor = Open(path, 0);
        if (descriptor < 0)
            return Marshal.GetLastPInvokeError();
        var error = Fsync(descriptor) == 0 ? 0 : Marshal.GetLastPInvokeError();
        _ = Close(descriptor);
        return error == 22 ? 0 : error;     // EINVAL: this file system keeps no folder to flush
    }

    /// <summary>Exchanges two names in one step; false where the system or the file system cannot.</summary>
    public static bool TryExchange(string one, string other) =>
        OperatingSystem.IsLinux() && RenameAt2(CurrentFolder, one, CurrentFolder, other, Exchange) == 0;

    /// <summary>The absolute path with every link followed, or null where nothing is there.</summary>
    public static unsafe string? RealPath(string path)
    {
        if (OperatingSystem.IsWindows())
            return System.IO.Path.Exists(path) ? System.IO.Path.GetFullPath(path) : null;
        const int longest = 4096;
        var resolved = stackalloc byte[longest];
        return RealPath(path, resolved) == null ? null : Marshal.PtrToStringUTF8((nint)resolved);
    }

    [LibraryImport("libc", EntryPoint = "realpath", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static unsafe partial byte* RealPath(string path, byte* resolved);

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Fsync(int descriptor);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int descriptor);

    [LibraryImport("libc", EntryPoint = "renameat2", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int RenameAt2(int oldFolder, string oldPath, int newFolder, string newPath, uint flags);

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static unsafe partial int StatX(int folder, string path, int flags, uint mask, byte* status);
}
