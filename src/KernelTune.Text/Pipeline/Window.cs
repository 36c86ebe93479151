using KernelTune.Text.Chat;

namespace KernelTune.Text.Pipeline;

/// <summary>An encoding in the making. The rules of cutting, joining and padding are those of Hugging Face's tokenizers library.</summary>
internal sealed class Window
{
    public List<int> Ids { get; private init; } = [];

    public List<string> Tokens { get; private init; } = [];

    public List<TextSpan> Offsets { get; private init; } = [];

    public List<int> TypeIds { get; private init; } = [];

    public List<int> AttentionMask { get; private init; } = [];

    public List<int> SpecialTokensMask { get; private init; } = [];

    public List<int> SequenceIds { get; private init; } = [];

    public List<int> WordIds { get; private init; } = [];

    public List<Window> Overflowing { get; private set; } = [];

    public int Count => Ids.Count;

    public void Add(int id, string token, TextSpan offset, int typeId, int sequence = -1, bool special = false)
    {
        Ids.Add(id);
        Tokens.Add(token);
        Offsets.Add(offset);
        TypeIds.Add(typeId);
        AttentionMask.Add(1);
        SpecialTokensMask.Add(special ? 1 : 0);
        SequenceIds.Add(sequence);
        WordIds.Add(-1);
    }

    /// <summary>Adds the tokens of a word that was given by itself.</summary>
    public void Append(Window tokens, int word)
    {
        Ids.AddRange(tokens.Ids);
        Tokens.AddRange(tokens.Tokens);
        Offsets.AddRange(tokens.Offsets);
        TypeIds.AddRange(tokens.TypeIds);
        AttentionMask.AddRange(tokens.AttentionMask);
        SpecialTokensMask.AddRange(tokens.SpecialTokensMask);
        SequenceIds.AddRange(tokens.SequenceIds);
        WordIds.AddRange(Enumerable.Repeat(word, tokens.Count));
    }

    public void SetTypeIds(int typeId)
    {
        for (int i = 0; i < TypeIds.Count; i++) TypeIds[i] = typeId;
    }

    /// <summary>The tokens [begin, end), without further windows.</summary>
    public Window Part(int begin, int end) => new()
    {
        Ids = Ids[begin..end],
        Tokens = Tokens[begin..end],
        Offsets = Offsets[begin..end],
        TypeIds = TypeIds[begin..end],
        AttentionMask = AttentionMask[begin..end],
        SpecialTokensMask = SpecialTokensMask[begin..end],
        SequenceIds = SequenceIds[begin..end],
        WordIds = WordIds[begin..end],
    };

    /// <summary>The first window of <paramref name="length"/> tokens, with the others as its overflow; neighbours share <paramref name="stride"/> tokens.</summary>
    public Window Cut(int length, int stride, TextSide direction)
    {
        if (length >= Count) return this;
        if (length == 0) return new Window { Overflowing = [this] };
        Window? window = null;
        void Take(int begin, int end)
        {
            var part = Part(begin, end);
            if (window is null) window = part;
            else window.Overflowing.Add(part);
        }
        if (direction == TextSide.Right)
        {
            for (int begin = 0; ; begin += length - stride)
            {
                int end = Math.Min(begin + length, Count);
                Take(begin, end);
                if (end == Count) break;
            }
        }
        else
        {
            for (int end = Count; ; end -= length - stride)
            {
                int begin = Math.Max(0, end - length);
                Take(begin, end);
                if (begin == 0) break;
            }
        }
        return window!;
    }

    /// <summary>This window followed by <paramref name="next"/>, and every window of the one with every window of the other.</summary>
    public Window JoinedWith(Window next)
    {
        var joined = new Window
        {
            Ids = [.. Ids, .. next.Ids],
            Tokens = [.. Tokens, .. next.Tokens],
            Offsets = [.. Offsets, .. next.Offsets],
            TypeIds = [.. TypeIds, .. next.TypeIds],
            AttentionMask = [.. AttentionMask, .. next.AttentionMask],
            SpecialTokensMask = [.. SpecialTokensMask, .. next.SpecialTokensMask],
            SequenceIds = [.. SequenceIds, .. next.SequenceIds],
            WordIds = [.. WordIds, .. next.WordIds],
        };
        foreach (var mine in Overflowing)
        {
            joined.Overflowing.Add(mine.WithoutOverflow().JoinedWith(next.WithoutOverflow()));
            foreach (var theirs in next.Overflowing) joined.Overflowing.Add(mine.WithoutOverflow().JoinedWith(theirs.WithoutOverflow()));
        }
        foreach (var theirs in next.Overflowing) joined.Overflowing.Add(WithoutOverflow().JoinedWith(theirs.WithoutOverflow()));
        return joined;
    }

    private Window WithoutOverflow() => Overflowing.Count == 0 ? this : Part(0, Count);

    public Window Copy()
    {
        var copy = Part(0, Count);
        copy.Overflowing = [.. Overflowing];
        return copy;
    }

    public void Pad(int length, Padding padding)
    {
        foreach (var window in Overflowing) window.Pad(length, padding);
        int missing = length - Count;
        if (missing <= 0) return;
        int at = padding.Direction == TextSide.Left ? 0 : Count;
        Ids.InsertRange(at, Enumerable.Repeat(padding.PadId, missing));
        Tokens.InsertRange(at, Enumerable.Repeat(padding.PadToken, missing));
        Offsets.InsertRange(at, Enumerable.Repeat(new TextSpan(0, 0), missing));
        TypeIds.InsertRange(at, Enumerable.Repeat(padding.PadTypeId, missing));
        AttentionMask.InsertRange(at, Enumerable.Repeat(0, missing));
        SpecialTokensMask.InsertRange(at, Enumerable.Repeat(1, missing));
        SequenceIds.InsertRange(at, Enumerable.Repeat(-1, missing));
        WordIds.InsertRange(at, Enumerable.Repeat(-1, missing));
    }

    public TokenEncoding ToEncoding() => new()
    {
        Ids = [.. Ids],
        Tokens = [.. Tokens],
        Offsets = [.. Offsets],
        TypeIds = [.. TypeIds],
        AttentionMask = [.. AttentionMask],
        SpecialTokensMask = [.. SpecialTokensMask],
        SequenceIds = [.. SequenceIds],
        WordIds = [.. WordIds],
        Overflowing = [.. Overflowing.Select(w => w.ToEncoding())],
    };
}
