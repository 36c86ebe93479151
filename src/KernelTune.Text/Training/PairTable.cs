using System.Runtime.InteropServices;

namespace KernelTune.Text.Training;

/// <summary>The words of a training text as rows of tokens, and how often each pair of neighbours is seen.</summary>
internal sealed class PairTable
{
    private readonly List<(int[] Symbols, int Length, long Count)> words = [];
    private readonly Dictionary<long, long> counts = [];
    private readonly Dictionary<long, HashSet<int>> places = [];     // the words that a pair has been seen in; it may have gone since
    private readonly PriorityQueue<long, (long, long)> queue = new();

    /// <param name="rows">The words as tokens, each with how often it is seen.</param>
    public PairTable(IEnumerable<(int[] Symbols, long Count)> rows)
    {
        foreach (var (symbols, count) in rows)
        {
            for (int i = 0; i + 1 < symbols.Length; i++) Count(symbols[i], symbols[i + 1], count, words.Count);
            words.Add((symbols, symbols.Length, count));
        }
        foreach (var (pair, count) in counts) queue.Enqueue(pair, (-count, pair));
    }

    /// <summary>The pair that is seen most often, if it is seen often enough; of equals the one with the lowest ids.</summary>
    public bool TryTakeMostFrequent(long least, out int left, out int right)
    {
        while (queue.TryDequeue(out long pair, out var priority))
        {
            long count = counts.GetValueOrDefault(pair);
            if (count != -priority.Item1)
            {
                if (count > 0) queue.Enqueue(pair, (-count, pair));
                continue;
            }
            if (count < least) break;
            (left, right) = ((int)(pair >> 32), (int)pair);
            return true;
        }
        (left, right) = (0, 0);
        return false;
    }

    /// <summary>Makes one token of each such pair, from left to right.</summary>
    public void Merge(int left, int right, int merged)
    {
        long pair = Key(left, right);
        if (!places.Remove(pair, out var inWords)) return;
        var touched = new HashSet<long>();
        foreach (int w in inWords)
        {
            var (symbols, length, count) = words[w];
            int kept = 0;
            for (int i = 0; i < length; i++)
            {
                if (symbols[i] != left || i + 1 >= length || symbols[i + 1] != right)
                {
                    symbols[kept++] = symbols[i];
                    continue;
                }
                if (kept > 0)
                {
                    Count(symbols[kept - 1], left, -count, w);
                    Count(symbols[kept - 1], merged, count, w);
                    touched.Add(Key(symbols[kept - 1], merged));
                }
                if (i + 2 < length)
                {
                    Count(right, symbols[i + 2], -count, w);
                    Count(merged, symbols[i + 2], count, w);
                    touched.Add(Key(merged, symbols[i + 2]));
                }
                symbols[kept++] = merged;
                i++;
            }
            words[w] = (symbols, kept, count);
        }
        counts.Remove(pair);
        foreach (long key in touched)
            if (counts.GetValueOrDefault(key) is var count and > 0) queue.Enqueue(key, (-count, key));
    }

    private void Count(int left, int right, long change, int word)
    {
        long key = Key(left, right);
        CollectionsMarshal.GetValueRefOrAddDefault(counts, key, out _) += change;
        if (change <= 0) return;
        ref var set = ref CollectionsMarshal.GetValueRefOrAddDefault(places, key, out _);
        (set ??= []).Add(word);
    }

    private static long Key(int left, int right) => (long)left << 32 | (uint)right;
}
