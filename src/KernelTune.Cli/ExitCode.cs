namespace KernelTune.Cli;

/// <summary>What the process says about how it ended.</summary>
internal enum ExitCode
{
    Success = 0,

    /// <summary>A bug of ours.</summary>
    Internal = 1,

    /// <summary>The recipe or the command line.</summary>
    Usage = 2,

    /// <summary>A file that was read: weights, tokenizer, data.</summary>
    InputFile = 3,

    /// <summary>Reading or writing itself: a full disk, no permission, a locked folder.</summary>
    Storage = 4,

    Memory = 5,

    /// <summary>The loss is no number any more.</summary>
    Diverged = 6,

    /// <summary>Stopped by SIGINT.</summary>
    Interrupted = 130,

    /// <summary>Stopped by SIGTERM.</summary>
    Terminated = 143,
}
