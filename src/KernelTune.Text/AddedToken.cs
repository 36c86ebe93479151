namespace KernelTune.Text;

/// <summary>A token beside the model's own: found in the text before the model sees it.</summary>
public sealed record AddedToken
{
    /// <summary>The token's number.</summary>
    public required int Id { get; init; }

    /// <summary>What it looks like in a text.</summary>
    public required string Content { get; init; }

    /// <summary>Found only where no word character stands beside it.</summary>
    public bool SingleWord { get; init; }

    /// <summary>Takes the white space before it.</summary>
    public bool LeftStrip { get; init; }

    /// <summary>Takes the white space after it.</summary>
    public bool RightStrip { get; init; }

    /// <summary>Looked for in the normalized text, its own content normalized.</summary>
    public bool Normalized { get; init; }

    /// <summary>Left out when decoding skips special tokens.</summary>
    public bool Special { get; init; }
}
