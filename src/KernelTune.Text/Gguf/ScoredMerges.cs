using KernelTune.Text.Unicode;

namespace KernelTune.Text.Gguf;

/// <summary>Recovers the merges of a SentencePiece BPE (Kudo and Richardson, 2018) from its pieces and scores: every way of putting a piece together
/// out of two others, the best score first; of equal scores the longer left part, then the longer right part.</summary>
internal static class ScoredMerges
{
    public static List<(string Left, string Right)> Find(IReadOnlyList<string> pieces, IReadOnlyList<float> scores)
    {
        var ids = new Dictionary<string, int>(StringComparer.Ordinal);
        for (int i = 0; i < pieces.Count; i++) ids[pieces[i]] = i;
        var found = new List<(string Left, string Right, float Score, int LeftLength, int RightLength)>();
        for (int id = 0; id < pieces.Count; id++)
        {
            string piece = pieces[id];
            int length = CodePoints.ListOf(piece).Count, left = 0;
            var ways = new List<(string Left, string Right, float, int, int)>();
            for (int i = 0; i < piece.Length;)
            {
                CodePoints.At(piece, i, out int units);
                i += units;
                left++;
                if (i < piece.Length && ids.ContainsKey(piece[..i]) && ids.ContainsKey(piece[i..])) ways.Add((piece[..i], piece[i..], scores[id], left, length - left));
            }
            found.AddRange(ways.OrderBy(w => ids[w.Left]).ThenBy(w => ids[w.Right]));
        }
        return [.. found.OrderByDescending(w => w.Score).ThenByDescending(w => w.LeftLength).ThenByDescending(w => w.RightLength).Select(w => (w.Left, w.Right))];
    }
}
