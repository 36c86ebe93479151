using System.Buffers;
using System.Globalization;
using KernelTune.Text.Unicode;

namespace KernelTune.Text.Models;

/// <summary>Unigram language model (Kudo, 2018): of all ways to put a piece together the one whose tokens have the greatest sum of log-probabilities (Viterbi). A character that no
/// token begins or ends with is unknown, at ten below the least score; unknown neighbours are one.</summary>
internal sealed class UnigramModel : TokenModel
{
    private const int CachedWords = 1 << 16;
    private const double UnknownPenalty = 10;

    private readonly PrefixTree tokens;
    private readonly double[] scores;
    private readonly double unknownScore;
    private readonly UnknownToken unknown;
    private readonly int[]? byteIds;        // the tokens <0xNN>, -1 for one that is missing; null: no byte fallback
    private readonly WordCache cache = new(CachedWords);

    /// <param name="vocabulary">The tokens; of one that comes twice the later id counts.</param>
    /// <param name="scores">Their log-probabilities.</param>
    /// <param name="unknown">Stands for what no token fits.</param>
    /// <param name="byteFallback">What is unknown becomes its bytes, if they all have tokens.</param>
    public UnigramModel(Vocabulary vocabulary, double[] scores, UnknownToken unknown, bool byteFallback)
        : base(vocabulary)
    {
        (this.scores, this.unknown) = (scores, unknown);
        tokens = new PrefixTree(vocabulary.Count * 4);
        for (int id = 0; id < vocabulary.Count; id++) tokens.Set(vocabulary[id], id);
        unknownScore = (scores.Length == 0 ? 0 : scores.Min()) - UnknownPenalty;
        int[] bytes = new int[256];
        for (int b = 0; b < 256; b++) bytes[b] = vocabulary.TryGetId($"<0x{b.ToString("X2", CultureInfo.InvariantCulture)}>", out int id) ? id : -1;
        byteIds = byteFallback ? bytes : null;
    }

    public override int ShownAsText => unknown.KnownId;

    public override Word Encode(ReadOnlySpan<char> piece)
    {
        if (piece.IsEmpty) return Word.Empty;
        if (cache.TryGet(piece, out var word)) return word;
        int[] starts = ArrayPool<int>.Shared.Rent(piece.Length + 1), ids = ArrayPool<int>.Shared.Rent(piece.Length + 1);
        double[] best = ArrayPool<double>.Shared.Rent(piece.Length + 1);
        try
        {
            FindBest(piece, starts, ids, best);
            word = ReadOff(piece, starts, ids);
        }
        finally
        {
            ArrayPool<int>.Shared.Return(starts);
            ArrayPool<int>.Shared.Return(ids);
            ArrayPool<double>.Shared.Return(best);
        }
        cache.Add(piece, word);
        return word;
    }

    /// <summary>For every place where a token can end: where the last token of the best way there begins, and which it is. Of equal ways the one found first stays.</summary>
    private void FindBest(ReadOnlySpan<char> piece, int[] starts, int[] ids, double[] best)
    {
        Array.Fill(starts, -1, 0, piece.Length + 1);
        best[0] = 0;
        for (int at = 0; at < piece.Length;)
        {
            CodePoints.At(piece, at, out int units);
            double here = best[at];
            bool single = false;
            int node = PrefixTree.Root;
            for (int i = at; i < piece.Length && (node = tokens.Step(node, piece[i])) >= 0; i++)
            {
                int id = tokens.ValueAt(node);
                if (id < 0) continue;
                Offer(i + 1, here + scores[id], id, at);
                single |= i + 1 == at + units;
            }
            if (!single && (starts[at + units] < 0 || here + unknownScore > best[at + units])) Offer(at + units, here + unknownScore, unknown.Id(piece.Slice(at, units)), at);
            at += units;
        }

        void Offer(int end, double score, int id, int start)
        {
            if (starts[end] >= 0 && !(score > best[end])) return;
            (best[end], ids[end], starts[end]) = (score, id, start);
        }
    }

    private Word ReadOff(ReadOnlySpan<char> piece, int[] starts, int[] ids)
    {
        var tokenIds = new List<int>();
        var bytes = new List<int>();
        for (int end = piece.Length; end > 0;)
        {
            int start = starts[end];
            if (ids[end] != unknown.KnownId)
            {
                Add(piece[start..end], ids[end]);
                end = start;
                continue;
            }
            while (start > 0 && ids[start] == unknown.KnownId) start = starts[start];
            Add(piece[start..end], -1);
            end = start;
        }
        tokenIds.Reverse();
        bytes.Reverse();
        return new Word([.. tokenIds], [.. bytes]);

        // Backwards: what is read off begins with the last token.
        void Add(ReadOnlySpan<char> text, int id)
        {
            int length = CodePoints.Utf8Length(text);
            if (id >= 0 || Vocabulary.TryGetId(text, out id))
            {
                tokenIds.Add(id);
                bytes.Add(length);
                return;
            }
            if (byteIds is not null && AddBytes(text, length)) return;
            tokenIds.Add(unknown.KnownId);
            bytes.Add(length);
        }

        bool AddBytes(ReadOnlySpan<char> text, int length)
        {
            byte[] utf8 = new byte[text.Length * 3];
            CodePoints.WriteUtf8(text, utf8);
            for (int b = 0; b < length; b++)
                if (byteIds[utf8[b]] < 0) return false;
            for (int b = length - 1; b >= 0; b--)
            {
                tokenIds.Add(byteIds[utf8[b]]);
                bytes.Add(b == 0 ? length : Word.SameSpan);
            }
            return true;
        }
    }
}
