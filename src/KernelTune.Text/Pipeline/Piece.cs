using KernelTune.Text.Unicode;

namespace KernelTune.Text.Pipeline;

/// <summary>Part of a text on its way to tokens. Knows for each UTF-16 unit which units of the text as it came it stands for.</summary>
internal sealed class Piece
{
    private readonly string source;
    private readonly int start;
    private readonly int[]? from;       // null: no unit was moved, unit i of the source is unit i + shift of the text
    private readonly int[]? to;
    private readonly int textStart;
    private readonly int shift;

    private Piece(string source, int start, int length, int[]? from, int[]? to, int textStart, int shift)
    {
        (this.source, this.start, Length, this.from, this.to, this.textStart, this.shift) = (source, start, length, from, to, textStart, shift);
    }

    public Piece(string text)
        : this(text, 0, text.Length, null, null, 0, 0)
    {
    }

    public int Length { get; }

    public ReadOnlySpan<char> Span => source.AsSpan(start, Length);

    /// <summary>Where the piece begins in the text, as it was when it was cut out.</summary>
    public int TextStart => textStart;

    /// <summary>The added token that this piece is, or −1.</summary>
    public int AddedToken { get; private init; } = -1;

    /// <summary>The bytes of the piece are what the model takes, not its characters.</summary>
    public bool AsBytes { get; private init; }

    public Piece Slice(int begin, int end, int addedToken = -1) =>
        new(source, start + begin, end - begin, from, to, begin < end ? FromOf(begin) : textStart, shift) { AddedToken = addedToken };

    /// <summary>The units [begin, end) of the piece, which goes on as if it began where it did.</summary>
    public Piece Trimmed(int begin, int end) => begin == 0 && end == Length ? this : new(source, start + begin, end - begin, from, to, textStart, shift);

    public Piece ToBytes() => new(source, start, Length, from, to, textStart, shift) { AsBytes = true };

    /// <summary>The units [begin, end) of the text that the units [begin, end) of the piece stand for.</summary>
    public (int Begin, int End) InText(int begin, int end) => begin >= end ? (textStart + begin, textStart + end) : (FromOf(begin), ToOf(end - 1));

    private int FromOf(int unit)
    {
        int i = start + unit;
        if (from is not null) return from[i];
        return i > 0 && char.IsLowSurrogate(source[i]) && char.IsHighSurrogate(source[i - 1]) ? i - 1 + shift : i + shift;
    }

    private int ToOf(int unit)
    {
        int i = start + unit;
        if (to is not null) return to[i];
        return char.IsHighSurrogate(source[i]) && i + 1 < source.Length && char.IsLowSurrogate(source[i + 1]) ? i + 2 + shift : i + 1 + shift;
    }

    /// <summary>The piece with its code points changed; the first <paramref name="removed"/> of them are dropped.</summary>
    public Piece Changed(List<Change> changes, int removed = 0)
    {
        var built = new Builder(this, changes.Count);
        int at = 0;
        Advance(ref at, removed);
        foreach (var (codePoint, delta) in changes)
        {
            int like = delta > 0 ? at - 1 : at;
            if (delta <= 0) Advance(ref at, 1 - delta);
            built.Add(codePoint, like);
        }
        return built.ToPiece();
    }

    /// <summary>The piece with other units in the places of its own. Neither may hold surrogates.</summary>
    public Piece Exchanged(string units) => from is null ? new(units, 0, units.Length, null, null, textStart, start + shift) : new(units, 0, units.Length, from[start..(start + Length)], to![start..(start + Length)], textStart, 0);

    /// <summary>The parts of this piece, changed each by itself, as one again.</summary>
    public Piece Joined(List<Piece> parts)
    {
        int length = parts.Sum(p => p.Length), at = 0;
        int[] begins = new int[length], ends = new int[length];
        foreach (var part in parts)
        {
            for (int i = 0; i < part.Length; i++, at++) (begins[at], ends[at]) = (part.FromOf(i), part.ToOf(i));
        }
        return new Piece(string.Create(length, parts, static (to, all) =>
        {
            foreach (var part in all)
            {
                part.Span.CopyTo(to);
                to = to[part.Length..];
            }
        }), 0, length, begins, ends, textStart, 0);
    }

    /// <summary>The piece with each code point that <paramref name="keep"/> refuses left out.</summary>
    public Piece Filtered(Func<int, bool> keep)
    {
        var built = new Builder(this, Length);
        for (int i = 0; i < Length;)
        {
            int c = CodePoints.At(Span, i, out int units);
            if (keep(c)) built.Add(c, i);
            i += units;
        }
        return built.Count == Length ? this : built.ToPiece();
    }

    /// <summary>The piece with each code point replaced by another.</summary>
    public Piece Mapped(Func<int, int> map)
    {
        var built = new Builder(this, Length);
        for (int i = 0; i < Length;)
        {
            int c = CodePoints.At(Span, i, out int units);
            built.Add(map(c), i);
            i += units;
        }
        return built.ToPiece();
    }

    /// <summary>The piece with <paramref name="text"/> before it; what is new stands for the first character's part of the text.</summary>
    public Piece Prepended(string text)
    {
        if (Length == 0 || text.Length == 0) return this;
        var built = new Builder(this, Length + text.Length);
        built.Add(text, 0);
        built.Copy(0, Length);
        return built.ToPiece();
    }

    /// <summary>The piece with each match replaced by <paramref name="content"/>, which stands for the last character of the match.</summary>
    public Piece Replaced(List<Match> matches, string content)
    {
        var built = new Builder(this, Length);
        bool any = false;
        foreach (var (begin, end, isMatch) in matches)
        {
            if (isMatch) built.Add(content, end - 1);
            else built.Copy(begin, end);
            any |= isMatch;
        }
        return any ? built.ToPiece() : this;
    }

    private void Advance(ref int at, int codePoints)
    {
        for (; codePoints > 0 && at < Length; codePoints--)
        {
            CodePoints.At(Span, at, out int units);
            at += units;
        }
    }

    private ref struct Builder(Piece piece, int capacity)
    {
        private readonly System.Text.StringBuilder text = new(capacity);
        private readonly List<int> from = new(capacity);
        private readonly List<int> to = new(capacity);

        public readonly int Count => text.Length;

        /// <summary>Adds a code point that stands for what unit <paramref name="like"/> of the piece stands for; before the first: for nothing at its start.</summary>
        public readonly void Add(int codePoint, int like)
        {
            int before = text.Length;
            CodePoints.Append(text, codePoint);
            Align(text.Length - before, like);
        }

        public readonly void Add(string added, int like)
        {
            text.Append(added);
            Align(added.Length, like);
        }

        public readonly void Copy(int begin, int end)
        {
            text.Append(piece.Span[begin..end]);
            for (int i = begin; i < end; i++)
            {
                from.Add(piece.FromOf(i));
                to.Add(piece.ToOf(i));
            }
        }

        public readonly Piece ToPiece() => new(text.ToString(), 0, text.Length, [.. from], [.. to], piece.textStart, 0);

        private readonly void Align(int units, int like)
        {
            like = Math.Min(like, piece.Length - 1);
            var (f, t) = like < 0 ? (piece.textStart, piece.textStart) : (piece.FromOf(like), piece.ToOf(like));
            for (int i = 0; i < units; i++)
            {
                from.Add(f);
                to.Add(t);
            }
        }
    }
}
