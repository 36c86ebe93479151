using KernelTune.Text.Models;
using KernelTune.Text.Unicode;

namespace KernelTune.Text.Training;

/// <summary>All ways to put a word together from the pieces of a Unigram model (Kudo, 2018). Keeps its arrays from one word to the next; not for two threads at a time.</summary>
internal sealed class PieceLattice
{
    private const double UnknownPenalty = 10;

    private readonly PrefixTree tree;
    private readonly IReadOnlyList<(string Piece, double Score)> pieces;
    private readonly double unknownScore;
    private readonly List<(int Start, int End, int Id, double Score)> edges = [];     // in the order of their starts
    private double[] forward = new double[64];
    private double[] backward = new double[64];
    private int[] last = new int[64];
    private int length;

    public PieceLattice(IReadOnlyList<(string Piece, double Score)> pieces)
    {
        this.pieces = pieces;
        tree = new PrefixTree(pieces.Count * 2);
        for (int id = 0; id < pieces.Count; id++) tree.Set(pieces[id].Piece, id);
        unknownScore = pieces.Min(p => p.Score) - UnknownPenalty;
    }

    /// <summary>Takes up a word; a character that no piece is stands for itself, with the id −1.</summary>
    public void Read(string word)
    {
        length = word.Length;
        edges.Clear();
        if (forward.Length <= length)
        {
            (forward, backward) = (new double[length * 2], new double[length * 2]);
            last = new int[length * 2];
        }
        for (int at = 0; at < length;)
        {
            CodePoints.At(word, at, out int units);
            bool single = false;
            int node = PrefixTree.Root;
            for (int i = at; i < length && (node = tree.Step(node, word[i])) >= 0; i++)
            {
                if (tree.ValueAt(node) is not (var id and >= 0)) continue;
                edges.Add((at, i + 1, id, pieces[id].Score));
                single |= i + 1 == at + units;
            }
            if (!single) edges.Add((at, at + units, -1, unknownScore));
            at += units;
        }
    }

    /// <summary>Adds to <paramref name="expected"/> how often each piece is used on average over all ways, times <paramref name="count"/>; returns the word's log-probability.</summary>
    public double AddExpected(double count, double[] expected)
    {
        Array.Fill(forward, double.NegativeInfinity, 0, length + 1);
        Array.Fill(backward, double.NegativeInfinity, 0, length + 1);
        (forward[0], backward[length]) = (0, 0);
        foreach (var (start, end, _, score) in edges) forward[end] = LogAdd(forward[end], forward[start] + score);
        for (int e = edges.Count - 1; e >= 0; e--)
        {
            var (start, end, _, score) = edges[e];
            backward[start] = LogAdd(backward[start], backward[end] + score);
        }
        double whole = forward[length];
        foreach (var (start, end, id, score) in edges)
            if (id >= 0) expected[id] += count * Math.Exp(forward[start] + score + backward[end] - whole);
        return whole;
    }

    /// <summary>The best way's pieces, in order, and its score; without the piece <paramref name="without"/>.</summary>
    public List<int> Best(out double score, int without = -2)
    {
        Array.Fill(forward, double.NegativeInfinity, 0, length + 1);
        forward[0] = 0;
        for (int e = 0; e < edges.Count; e++)
        {
            var edge = edges[e];
            if (edge.Id == without || !(forward[edge.Start] + edge.Score > forward[edge.End])) continue;
            forward[edge.End] = forward[edge.Start] + edge.Score;
            last[edge.End] = e;
        }
        score = forward[length];
        var ids = new List<int>();
        if (double.IsNegativeInfinity(score)) return ids;
        for (int at = length; at > 0; at = edges[last[at]].Start) ids.Add(edges[last[at]].Id);
        ids.Reverse();
        return ids;
    }

    private static double LogAdd(double a, double b)
    {
        if (double.IsNegativeInfinity(a)) return b;
        if (double.IsNegativeInfinity(b)) return a;
        double most = Math.Max(a, b);
        return most + Math.Log(Math.Exp(a - most) + Math.Exp(b - most));
    }
}
