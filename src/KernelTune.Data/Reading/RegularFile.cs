using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace KernelTune.Data.Reading;

/// <summary>Opens files of data: folders, devices and pipes are refused before anything is read from them (opening a pipe would wait for a writer).</summary>
internal static partial class RegularFile
{
    private const int CurrentFolder = -100;
    private const int TypeMask = 0xF000;

    /// <exception cref="DataException">Nothing there, not a regular file, or no permission.</exception>
    public static SafeFileHandle Open(string path)
    {
        switch (Kind(path))
        {
            case 0x4000: throw new DataException(path, "a folder was found, a file wanted");
            case 0x8000: break;
            case 0 when File.Exists(path): break;
            case 0 when Directory.Exists(path): throw new DataException(path, "a folder was found, a file wanted");
            case 0: throw new DataException(path, "no such file");
            default: throw new DataException(path, "a device or pipe was found, a regular file wanted");
        }

        try
        {
            return File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, FileOptions.SequentialScan);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DataException(path, $"cannot be opened for reading ({e.Message.Split('\n')[0].TrimEnd('\r', '.')})", inner: e);
        }
    }

    /// <summary>The type bits of st_mode, links followed; 0 where nothing is there or the system has no such call.</summary>
    private static unsafe int Kind(string path)
    {
        if (!OperatingSystem.IsLinux()) return 0;
        byte* status = stackalloc byte[256];       // struct statx has one layout on every architecture; stx_mode is the u16 at byte 28
        return StatX(CurrentFolder, path, 0, 1, status) == 0 ? *(ushort*)(status + 28) & TypeMask : 0;
    }

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial int StatX(int folder, string path, int flags, uint mask, byte* status);
}
