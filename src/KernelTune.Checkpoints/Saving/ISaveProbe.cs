namespace KernelTune.Checkpoints;

/// <summary>One step by which something is saved.</summary>
public enum SaveAction
{
    /// <summary>A file or folder is created.</summary>
    Create,

    /// <summary>Bytes are handed to the system.</summary>
    Write,

    /// <summary>A file's bytes are made durable.</summary>
    Flush,

    /// <summary>A finished file or folder takes its name.</summary>
    Rename,

    /// <summary>The names in a folder are made durable.</summary>
    SyncFolder,

    /// <summary>Something that is no longer wanted goes.</summary>
    Delete,
}

/// <summary>Is told of every step of a save, before and after it: how tests end the process at each of them.</summary>
public interface ISaveProbe
{
    void Before(SaveAction action, string path);

    void After(SaveAction action, string path);
}
