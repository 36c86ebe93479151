using KernelTune.Text.Unicode;

namespace KernelTune.Text.Models;

/// <summary>WordPiece (Wu et al., 2016; Devlin et al., 2019): from left to right the longest token that fits; a word that cannot be put together so is one unknown token.</summary>
internal sealed class WordPieceModel : TokenModel
{
    private const int CachedWords = 1 << 16;

    private readonly PrefixTree tokens;
    private readonly UnknownToken unknown;
    private readonly int longestWord;
    private readonly int inside;            // where tokens inside a word begin: behind the prefix; −1: there are none
    private readonly WordCache cache = new(CachedWords);

    /// <param name="vocabulary">The tokens.</param>
    /// <param name="unknown">Stands for a word that is too long or cannot be put together.</param>
    /// <param name="prefix">What tokens inside a word begin with.</param>
    /// <param name="longestWord">The most code points that a word may have.</param>
    public WordPieceModel(Vocabulary vocabulary, UnknownToken unknown, string prefix, int longestWord)
        : base(vocabulary)
    {
        (this.unknown, this.longestWord) = (unknown, longestWord);
        tokens = new PrefixTree(vocabulary.Count * 4);
        for (int id = 0; id < vocabulary.Count; id++) tokens.Set(vocabulary[id], id);
        inside = tokens.Walk(prefix);
    }

    public override Word Encode(ReadOnlySpan<char> piece)
    {
        if (piece.IsEmpty) return Word.Empty;
        if (cache.TryGet(piece, out var word)) return word;
        word = Split(piece) ?? new Word([unknown.Id(piece)], [CodePoints.Utf8Length(piece)]);
        cache.Add(piece, word);
        return word;
    }

    private Word? Split(ReadOnlySpan<char> piece)
    {
        if (CodePoints.Count(piece) > longestWord) return null;
        var ids = new List<int>(4);
        var bytes = new List<int>(4);
        for (int begin = 0; begin < piece.Length;)
        {
            int node = begin == 0 ? PrefixTree.Root : inside, id = -1, end = begin;
            for (int i = begin; i < piece.Length && node >= 0 && (node = tokens.Step(node, piece[i])) >= 0; i++)
                if (tokens.ValueAt(node) is var found and >= 0) (id, end) = (found, i + 1);
            if (id < 0) return null;
            ids.Add(id);
            bytes.Add(CodePoints.Utf8Length(piece[begin..end]));
            begin = end;
        }
        return new Word([.. ids], [.. bytes]);
    }
}
