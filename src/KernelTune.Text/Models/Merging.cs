using System.Buffers;

namespace KernelTune.Text.Models;

/// <summary>Merges a row of symbols, always the pair of the lowest rank, the leftmost first (Sennrich et al., 2016): by scanning short rows,
/// through a heap of pairs in long ones, so that a word of a million characters takes n·log n.</summary>
internal static class Merging
{
    private const int LongestScanned = 48;

    /// <summary>Merges <paramref name="ids"/> in place, adds up <paramref name="bytes"/> alongside, and returns how many symbols are left.</summary>
    public static int Run(MergeTable merges, Span<int> ids, Span<int> bytes) =>
        ids.Length <= LongestScanned ? Scan(merges, ids, bytes) : Heap(merges, ids, bytes);

    private static int Scan(MergeTable merges, Span<int> ids, Span<int> bytes)
    {
        int count = ids.Length;
        if (count < 2) return count;
        Span<long> ranks = stackalloc long[LongestScanned];
        for (int i = 0; i + 1 < count; i++) ranks[i] = merges.Find(ids[i], ids[i + 1]);
        while (true)
        {
            int best = 0;
            long least = MergeTable.None;
            for (int i = 0; i + 1 < count; i++)
            {
                if (ranks[i] >= least) continue;
                (least, best) = (ranks[i], i);
            }
            if (least == MergeTable.None) return count;
            ids[best] = (int)least;
            bytes[best] += bytes[best + 1];
            count--;
            for (int i = best + 1; i < count; i++)
            {
                ids[i] = ids[i + 1];
                bytes[i] = bytes[i + 1];
                ranks[i] = ranks[i + 1];
            }
            if (best > 0) ranks[best - 1] = merges.Find(ids[best - 1], ids[best]);
            if (best + 1 < count) ranks[best] = merges.Find(ids[best], ids[best + 1]);
        }
    }

    private static int Heap(MergeTable merges, Span<int> ids, Span<int> bytes)
    {
        int count = ids.Length;
        int[] next = ArrayPool<int>.Shared.Rent(count), previous = ArrayPool<int>.Shared.Rent(count);
        var heap = new PriorityQueue<(int At, int Merged), (int Rank, int At)>(count);
        for (int i = 0; i < count; i++) (next[i], previous[i]) = (i + 1, i - 1);
        for (int i = 0; i + 1 < count; i++) Offer(i, ids, i + 1);

        while (heap.TryDequeue(out var top, out _))
        {
            int at = top.At, right = next[at];
            // An entry is stale where its left symbol is gone or its pair has changed since.
            if (ids[at] < 0 || right >= count) continue;
            long merge = merges.Find(ids[at], ids[right]);
            if (merge == MergeTable.None || (int)merge != top.Merged) continue;
            ids[at] = top.Merged;
            bytes[at] += bytes[right];
            ids[right] = -1;
            next[at] = next[right];
            if (next[at] < count) previous[next[at]] = at;
            if (previous[at] >= 0) Offer(previous[at], ids, at);
            if (next[at] < count) Offer(at, ids, next[at]);
        }

        int kept = 0;
        for (int i = 0; i < count; i++)
        {
            if (ids[i] < 0) continue;
            (ids[kept], bytes[kept]) = (ids[i], bytes[i]);
            kept++;
        }
        ArrayPool<int>.Shared.Return(next);
        ArrayPool<int>.Shared.Return(previous);
        return kept;

        void Offer(int left, Span<int> symbols, int right)
        {
            long merge = merges.Find(symbols[left], symbols[right]);
            if (merge != MergeTable.None) heap.Enqueue((left, (int)merge), ((int)(merge >> 32), left));
        }
    }
}
