using System.Buffers;
using System.Globalization;
using KernelTune.Text.Unicode;

namespace KernelTune.Text.Models;

/// <summary>What a byte-pair encoding does beside merging.</summary>
internal sealed record BpeSettings
{
    /// <summary>The token for what the vocabulary lacks; null: such characters vanish.</summary>
    public UnknownToken? Unknown { get; init; }

    /// <summary>Neighbouring unknown characters share one token.</summary>
    public bool FuseUnknown { get; init; }

    /// <summary>Characters that the vocabulary lacks become &lt;0xNN&gt; tokens, if it has all of them.</summary>
    public bool ByteFallback { get; init; }

    /// <summary>A piece that is in the vocabulary is taken whole.</summary>
    public bool IgnoreMerges { get; init; }

    /// <summary>Put before every character but the first.</summary>
    public string ContinuingPrefix { get; init; } = "";

    /// <summary>Put after the last character.</summary>
    public string EndSuffix { get; init; } = "";
}

/// <summary>Byte-pair encoding (Sennrich et al., 2016): the characters of a piece, merged pair by pair in the order that training found.</summary>
internal sealed class BpeModel : TokenModel
{
    private const int CachedWords = 1 << 16;
    private const int OnStack = 512;

    private readonly MergeTable merges;
    private readonly BpeSettings settings;
    private readonly WordCache cache = new(CachedWords);
    private readonly WordCache byteCache = new(CachedWords);
    private readonly int[]? byteIds;            // the token of each byte's character, −1 where it is missing; null: characters get a prefix or suffix
    private readonly int[] fallbackIds = new int[256];

    public BpeModel(Vocabulary vocabulary, MergeTable merges, BpeSettings settings)
        : base(vocabulary)
    {
        this.merges = merges;
        this.settings = settings;
        var ids = new int[256];
        for (int b = 0; b < 256; b++)
        {
            // Real vocabularies lack some bytes: those that no UTF-8 has, and control characters that training never met.
            if (!vocabulary.TryGetId([ByteAlphabet.Of((byte)b)], out ids[b])) ids[b] = -1;
            fallbackIds[b] = vocabulary.TryGetId($"<0x{b.ToString("X2", CultureInfo.InvariantCulture)}>", out int id) ? id : -1;
        }
        byteIds = settings is { ContinuingPrefix: "", EndSuffix: "" } ? ids : null;
    }

    public override bool TakesBytes => byteIds is not null;

    public override Word Encode(ReadOnlySpan<char> piece)
    {
        if (piece.IsEmpty) return Word.Empty;
        if (cache.TryGet(piece, out var word)) return word;
        word = settings.IgnoreMerges && Vocabulary.TryGetId(piece, out int whole) ? new Word([whole], [CodePoints.Utf8Length(piece)]) : Merged(piece);
        cache.Add(piece, word);
        return word;
    }

    public override Word? EncodeBytes(ReadOnlySpan<char> piece)
    {
        if (byteCache.TryGet(piece, out var word)) return word;
        if (MergedBytes(piece) is not { } merged) return null;
        byteCache.Add(piece, merged);
        return merged;
    }

    private Word? MergedBytes(ReadOnlySpan<char> piece)
    {
        byte[]? rented = null;
        Span<byte> utf8 = piece.Length * 3 <= OnStack ? stackalloc byte[OnStack] : rented = ArrayPool<byte>.Shared.Rent(piece.Length * 3);
        int count = CodePoints.WriteUtf8(piece, utf8);
        if (settings.IgnoreMerges && Vocabulary.TryGetId(ByteAlphabet.Spell(piece), out int whole)) return new Word([whole], [count]);
        int[] ids = ArrayPool<int>.Shared.Rent(count), bytes = ArrayPool<int>.Shared.Rent(count);
        bool complete = true;
        for (int i = 0; i < count; i++)
        {
            (ids[i], bytes[i]) = (byteIds![utf8[i]], 1);
            complete &= ids[i] >= 0;
        }
        if (rented is not null) ArrayPool<byte>.Shared.Return(rented);
        return Finished(ids, bytes, complete ? count : -1);
    }

    private Word Merged(ReadOnlySpan<char> piece)
    {
        // No more symbols than bytes; byte fallback also spells out the prefix and the suffix.
        int most = piece.Length * (3 + settings.ContinuingPrefix.Length * 3) + settings.EndSuffix.Length * 3 + 8;
        int[] ids = ArrayPool<int>.Shared.Rent(most), bytes = ArrayPool<int>.Shared.Rent(most);
        int count = Symbols(piece, ids, bytes);
        return Finished(ids, bytes, count)!;
    }

    /// <summary>Merges the symbols, gives the arrays back, and returns what came out; null for a count below 0.</summary>
    private Word? Finished(int[] ids, int[] bytes, int count)
    {
        Word? word = null;
        if (count >= 0)
        {
            count = Merging.Run(merges, ids.AsSpan(0, count), bytes.AsSpan(0, count));
            word = new Word(ids[..count], bytes[..count]);
        }
        ArrayPool<int>.Shared.Return(ids);
        ArrayPool<int>.Shared.Return(bytes);
        return word;
    }

    /// <summary>The tokens of the single characters. An unknown token waits until the next known character, so that its neighbours can join it;
    /// bytes do not end the waiting, which is how the reference library has it.</summary>
    private int Symbols(ReadOnlySpan<char> piece, int[] ids, int[] bytes)
    {
        int count = 0, unknownBytes = 0;
        bool plain = settings is { ContinuingPrefix: "", EndSuffix: "" };
        for (int i = 0; i < piece.Length;)
        {
            int c = CodePoints.At(piece, i, out int units), length = CodePoints.Utf8Length(c);
            ReadOnlySpan<char> symbol = piece.Slice(i, units);
            if (!plain) symbol = Decorated(symbol, i == 0, i + units == piece.Length);
            i += units;
            if (Vocabulary.TryGetId(symbol, out int id))
            {
                FlushUnknown(ids, bytes);
                (ids[count], bytes[count]) = (id, length);
                count++;
                continue;
            }
            if (settings.ByteFallback && Fallback(symbol, ids, bytes, ref count)) continue;
            if (settings.Unknown is null) continue;
            settings.Unknown.Id(symbol);
            if (!settings.FuseUnknown) FlushUnknown(ids, bytes);
            unknownBytes += length;
        }
        FlushUnknown(ids, bytes);
        return count;

        void FlushUnknown(int[] into, int[] lengths)
        {
            if (unknownBytes == 0) return;
            (into[count], lengths[count]) = (settings.Unknown!.KnownId, unknownBytes);
            (unknownBytes, count) = (0, count + 1);
        }
    }

    private string Decorated(ReadOnlySpan<char> symbol, bool first, bool last) =>
        string.Concat(first ? "" : settings.ContinuingPrefix, symbol, last ? settings.EndSuffix : "");

    private bool Fallback(ReadOnlySpan<char> symbol, int[] ids, int[] bytes, ref int count)
    {
        byte[]? rented = null;
        Span<byte> utf8 = symbol.Length * 3 <= OnStack ? stackalloc byte[OnStack] : rented = new byte[symbol.Length * 3];
        int length = CodePoints.WriteUtf8(symbol, utf8);
        for (int b = 0; b < length; b++)
            if (fallbackIds[utf8[b]] < 0) return false;
        for (int b = 0; b < length; b++)
        {
            (ids[count], bytes[count]) = (fallbackIds[utf8[b]], 1);
            count++;
        }
        return true;
    }
}
