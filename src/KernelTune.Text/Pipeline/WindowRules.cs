namespace KernelTune.Text.Pipeline;

/// <summary>Cuts a text and its pair to a length together, and pads a batch. The rules are those of Hugging Face's tokenizers library.</summary>
internal static class WindowRules
{
    /// <summary>Both texts cut so that they have no more than <paramref name="room"/> tokens together.</summary>
    /// <exception cref="TokenizerException">The text that is to be cut is too short for that, is missing, or the stride leaves no room.</exception>
    public static (Window First, Window? Second) Cut(Window first, Window? second, int room, Truncation truncation, string name)
    {
        if (room < 0) throw new TokenizerException(name, "truncation", $"max_length {truncation.MaxLength} is less than the special tokens that are added");
        if (room == 0) return (first.Cut(0, truncation.Stride, truncation.Direction), second?.Cut(0, truncation.Stride, truncation.Direction));
        int total = first.Count + (second?.Count ?? 0);
        if (total <= room) return (first, second);

        switch (truncation.Strategy)
        {
            case TruncationStrategy.LongestFirst when second is null: return (Part(first, room), null);
            case TruncationStrategy.LongestFirst:
                var (n1, n2) = Shares(first.Count, second.Count, room);
                return (Part(first, n1), Part(second, n2));
            case TruncationStrategy.OnlySecond when second is null:
                throw new TokenizerException(name, "truncation", "Truncation error: Second sequence not provided");
        }
        var target = truncation.Strategy == TruncationStrategy.OnlyFirst ? first : second!;
        int left = target.Count - (total - room);
        if (left <= 0) throw new TokenizerException(name, "truncation", "Truncation error: Sequence to truncate too short to respect the provided max_length");
        return ReferenceEquals(target, first) ? (Part(first, left), second) : (first, Part(second!, left));

        Window Part(Window window, int length) => length > 0 && length < window.Count && truncation.Stride >= length
            ? throw new TokenizerException(name, "truncation", $"stride {truncation.Stride} must be below the {length} tokens that a window has without special tokens")
            : window.Cut(length, truncation.Stride, truncation.Direction);
    }

    private static (int, int) Shares(int n1, int n2, int room)
    {
        bool swapped = n1 > n2;
        if (swapped) (n1, n2) = (n2, n1);
        n2 = n1 > room ? n1 : Math.Max(n1, room - n1);
        if (n1 + n2 > room)
        {
            n1 = room / 2;
            n2 = n1 + room % 2;
        }
        return swapped ? (n2, n1) : (n1, n2);
    }

    /// <summary>Makes all windows of a batch equally long, or no shorter than the length asked for.</summary>
    public static void Pad(IReadOnlyList<Window> batch, Padding padding)
    {
        if (batch.Count == 0) return;
        int length = padding.Length ?? batch.Max(w => w.Count);
        if (padding.PadToMultipleOf is { } multiple and > 0 && length % multiple > 0) length += multiple - length % multiple;
        foreach (var window in batch) window.Pad(length, padding);
    }
}
