namespace KernelTune.Checkpoints;

/// <summary>Why something could not be saved.</summary>
public enum StorageFault
{
    Other,
    DiskFull,
    ReadOnly,
    NotEmpty,
    Locked,
}

/// <summary>The disk, not the data: full, read-only, locked by another run. What was saved before is untouched.</summary>
public sealed class CheckpointStorageException : CheckpointException
{
    public CheckpointStorageException(string file, StorageFault fault, string problem, Exception? inner = null)
        : base(file, problem, inner: inner)
    {
        Fault = fault;
    }

    public StorageFault Fault { get; }

    private const int NoSpace = 28;     // ENOSPC, EDQUOT, EROFS, EACCES: Linux's numbers, which .NET hands through as HResult
    private const int Quota = 122;
    private const int ReadOnlySystem = 30;
    private const int NoAccess = 13;

    /// <summary>What the runtime threw while <paramref name="path"/> was being saved, in our words.</summary>
    internal static CheckpointStorageException From(string path, SaveAction action, Exception e)
    {
        var doing = action switch
        {
            SaveAction.Create => "be created",
            SaveAction.Write => "be written",
            SaveAction.Flush or SaveAction.SyncFolder => "be flushed",
            SaveAction.Rename => "take its name",
            _ => "be deleted",
        };
        return (e.HResult & 0xFFFF) switch
        {
            NoSpace or Quota or 112 => new(path, StorageFault.DiskFull, $"cannot {doing}: no space left on the disk", e),
            ReadOnlySystem or NoAccess => new(path, StorageFault.ReadOnly, $"cannot {doing}: read-only, or no permission", e),
            _ when e is UnauthorizedAccessException => new(path, StorageFault.ReadOnly, $"cannot {doing}: read-only, or no permission", e),
            _ => new(path, StorageFault.Other, $"cannot {doing} ({SourceFile.FirstLine(e)})", e),
        };
    }
}
