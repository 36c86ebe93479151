namespace KernelTune.Checkpoints;

/// <summary>The local Hugging Face cache: models--org--name/{blobs, refs, snapshots} below a hub folder. Nothing is ever downloaded.</summary>
internal static class HubCache
{
    private const int LongestReference = 4096;

    /// <summary>HF_HUB_CACHE, else HF_HOME/hub, else XDG_CACHE_HOME/huggingface/hub, else ~/.cache/huggingface/hub.</summary>
    public static string Folder(Func<string, string?> environment)
    {
        if (environment("HF_HUB_CACHE") is { Length: > 0 } hub)
            return hub;
        if (environment("HF_HOME") is { Length: > 0 } home)
            return Path.Combine(home, "hub");
        var cache = environment("XDG_CACHE_HOME") is { Length: > 0 } xdg
            ? xdg
            : Path.Combine(environment("HOME") ?? Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache");
        return Path.Combine(cache, "huggingface", "hub");
    }

    /// <summary>True for "name" and "org/name" of the characters that the hub allows.</summary>
    public static bool IsModelId(string text)
    {
        var parts = text.Split('/');
        return parts.Length is 1 or 2 && parts.All(p => p.Length is > 0 and <= 96 && p[0] is not ('.' or '-')
            && p.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-')
            && !p.Contains("--", StringComparison.Ordinal) && !p.Contains("..", StringComparison.Ordinal));
    }

    /// <summary>The snapshot folder of a model, or null where the cache has no such model.</summary>
    /// <exception cref="CheckpointException">The model is there and the revision is not.</exception>
    public static string? Snapshot(string hub, string id, string revision)
    {
        var model = Path.Combine(hub, "models--" + id.Replace("/", "--", StringComparison.Ordinal));
        if (!Directory.Exists(model))
            return null;
        if (!SafePath.IsPlain(revision))
            throw new CheckpointException(model, $"revision {CheckpointException.Quote(revision)} was asked for, a branch, tag or commit wanted");
        var reference = Path.Combine(model, "refs", revision);
        var commit = File.Exists(reference)
            ? System.Text.Encoding.ASCII.GetString(SourceFile.ReadAll(reference, LongestReference)).Trim()
            : revision;
        var snapshot = Path.Combine(model, "snapshots", commit);
        return SafePath.IsPlain(commit) && Directory.Exists(snapshot)
            ? snapshot
            : throw new CheckpointException(model, $"the cache has no snapshot of revision {CheckpointException.Quote(revision)}");
    }
}
