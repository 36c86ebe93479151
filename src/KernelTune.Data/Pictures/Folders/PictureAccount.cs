namespace KernelTune.Data.Pictures;

/// <summary>What became of the pictures of a folder.</summary>
public sealed class PictureAccount
{
    internal PictureAccount(PictureFolder folder)
    {
        (Root, Classes, OtherFiles) = (folder.Root, folder.Classes, folder.OtherFiles);
        Counts = new int[folder.Classes.Count];
    }

    public string Root { get; }

    public IReadOnlyList<string> Classes { get; }

    /// <summary>Pictures of each class that can be used.</summary>
    public IReadOnlyList<int> ByClass => Counts;

    /// <summary>Files that are not pictures by their names.</summary>
    public int OtherFiles { get; }

    /// <summary>Pictures left out because they cannot be read.</summary>
    public int Skipped { get; internal set; }

    /// <summary>The first of their messages, at most ten.</summary>
    public IReadOnlyList<string> SkippedMessages => Messages;

    internal int[] Counts { get; }

    internal List<string> Messages { get; } = [];
}
