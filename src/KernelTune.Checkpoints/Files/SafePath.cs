namespace KernelTune.Checkpoints;

/// <summary>Paths that come out of files: they may name what lies in a folder, and nothing else.</summary>
internal static class SafePath
{
    /// <summary>True for a relative path of plain names: not rooted, no "..", no empty part, no backslash, no NUL.</summary>
    public static bool IsPlain(string relative) =>
        relative.Length > 0 && !relative.AsSpan().ContainsAny('\\', '\0', ':') && !Path.IsPathRooted(relative)
        && relative.Split('/').All(part => part.Length > 0 && part is not ("." or ".."));

    /// <summary>
    /// The full path of <paramref name="relative"/> in <paramref name="folder"/>, links followed and still inside. In a Hugging Face cache a
    /// snapshot's files are links into the model's blobs: there "inside" is the model's own folder.
    /// </summary>
    /// <exception cref="CheckpointException">It leads out of the folder, or nothing is there.</exception>
    public static string Inside(string folder, string relative, string saidBy)
    {
        if (!IsPlain(relative))
            throw new CheckpointException(saidBy, $"it names the file {CheckpointException.Quote(relative)}, a plain name inside its folder wanted");
        var path = Path.Combine(folder, relative);
        var root = Posix.RealPath(Root(folder)) ?? folder;
        var real = Posix.RealPath(path);
        if (real is null)
        {
            var target = new FileInfo(path).LinkTarget;
            throw new CheckpointException(path, target is null
                ? $"no such file, named by {Path.GetFileName(saidBy)}"
                : $"a link to {CheckpointException.Quote(target)} was found, and nothing is there");
        }

        if (!real.StartsWith(root + Path.DirectorySeparatorChar, StringComparison.Ordinal))
            throw new CheckpointException(
                path, $"a link out of its folder, to {CheckpointException.Quote(real)}; files inside {CheckpointException.Quote(root)} wanted");
        return path;
    }

    private static string Root(string folder)
    {
        var full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        var snapshots = Path.GetDirectoryName(full);
        var model = Path.GetDirectoryName(snapshots);
        return Path.GetFileName(snapshots) == "snapshots" && Path.GetFileName(model)?.StartsWith("models--", StringComparison.Ordinal) == true ? model! : full;
    }
}
