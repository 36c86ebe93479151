using System.Globalization;
using KernelTune.Text.Pipeline;
using KernelTune.Text.Unicode;

namespace KernelTune.Text.Normalizers;

/// <summary>SentencePiece's rules as the reference library applies them: a grapheme cluster of fewer than six bytes is looked up as a whole, and what its shortest known beginning is
/// replaced by stands for all of it; else each code point is looked up by itself.</summary>
internal sealed class Precompiled : Normalizer
{
    private const int ShortCluster = 6;

    private readonly CharacterMap map;
    private readonly bool[] keeps = new bool[128];
    private readonly string file;
    private readonly string path;

    public Precompiled(CharacterMap map, string file, string path)
    {
        (this.map, this.file, this.path) = (map, file, path);
        for (int c = 0; c < keeps.Length; c++) keeps[c] = map.Find([(byte)c]) is null;
    }

    /// <exception cref="TokenizerException">The key is no base64, or holds no character map.</exception>
    public static Precompiled Read(JsonKey key)
    {
        try
        {
            return new Precompiled(new CharacterMap(Convert.FromBase64String(key.Text())), key.File, key.Path);
        }
        catch (FormatException e)
        {
            throw new TokenizerException(key.File, key.Path, e.Message, e);
        }
    }

    public override bool Keeps(ReadOnlySpan<char> text)
    {
        foreach (char c in text)
            if (c >= keeps.Length || !keeps[c]) return false;
        return true;
    }

    public override Piece Apply(Piece piece)
    {
        if (Keeps(piece.Span)) return piece;
        var changes = new List<Change>(piece.Length);
        bool any = false;
        try
        {
            for (int i = 0; i < piece.Length;)
            {
                int length = StringInfo.GetNextTextElementLength(piece.Span[i..]);
                any |= Cluster(piece.Span.Slice(i, length), changes);
                i += length;
            }
        }
        catch (FormatException e)
        {
            throw new TokenizerException(file, path, e.Message, e);
        }
        return any ? piece.Changed(changes) : piece;
    }

    private bool Cluster(ReadOnlySpan<char> cluster, List<Change> changes)
    {
        Span<byte> utf8 = stackalloc byte[ShortCluster * 3];
        if (cluster.Length < ShortCluster && CodePoints.WriteUtf8(cluster, utf8) is var bytes and < ShortCluster && map.Find(utf8[..bytes]) is { } whole)
        {
            Replace(CodePoints.Count(cluster), whole, changes);
            return true;
        }
        bool any = false;
        for (int i = 0; i < cluster.Length;)
        {
            int c = CodePoints.At(cluster, i, out int units);
            i += units;
            if (map.Find(utf8[..CodePoints.WriteUtf8(c, utf8)]) is { } one)
            {
                Replace(1, one, changes);
                any = true;
            }
            else
                changes.Add(new Change(c, 0));
        }
        return any;
    }

    /// <summary>What is new beyond the old count is inserted; what is missing is swallowed by the code point before.</summary>
    private static void Replace(int oldCount, string text, List<Change> changes)
    {
        int newCount = CodePoints.Count(text), index = 0;
        for (int i = 0; i < text.Length;)
        {
            changes.Add(new Change(CodePoints.At(text, i, out int units), index++ >= oldCount ? 1 : 0));
            i += units;
        }
        if (newCount < oldCount && changes.Count > 0) changes[^1] = changes[^1] with { Delta = changes[^1].Delta + newCount - oldCount };
    }
}
