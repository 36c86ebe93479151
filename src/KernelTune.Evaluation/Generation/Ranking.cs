using System.Buffers;

namespace KernelTune.Evaluation.Generation;

/// <summary>Scores from the highest downwards, as far as they are asked for: a heap, so that a few of many cost little more than one pass.</summary>
/// <remarks>Of equal scores the higher index comes first: the reverse of torch.sort's ascending order. Its memory is kept from call to call.</remarks>
internal sealed class DescendingScores
{
    private int[] heap = [];
    private int count;

    /// <summary>How many scores are left.</summary>
    public int Left => count;

    /// <summary>Starts over with the scores above −∞.</summary>
    public void Fill(ReadOnlySpan<float> scores)
    {
        if (heap.Length < scores.Length)
            heap = new int[scores.Length];
        count = 0;
        for (int i = 0; i < scores.Length; i++)
            if (!float.IsNegativeInfinity(scores[i]))
                heap[count++] = i;
        for (int parent = (count / 2) - 1; parent >= 0; parent--)
            Sink(scores, parent);
    }

    /// <summary>Takes the index of the highest score that is left; <paramref name="scores"/> must be unchanged since <see cref="Fill"/>.</summary>
    public int Take(ReadOnlySpan<float> scores)
    {
        int top = heap[0];
        heap[0] = heap[--count];
        Sink(scores, 0);
        return top;
    }

    private void Sink(ReadOnlySpan<float> scores, int parent)
    {
        for (int child = (2 * parent) + 1; child < count; parent = child, child = (2 * parent) + 1)
        {
            if (child + 1 < count && Before(scores, heap[child + 1], heap[child]))
                child++;
            if (!Before(scores, heap[child], heap[parent]))
                return;
            (heap[child], heap[parent]) = (heap[parent], heap[child]);
        }
    }

    private static bool Before(ReadOnlySpan<float> scores, int a, int b) => scores[a] > scores[b] || (scores[a] == scores[b] && a > b);
}

/// <summary>Orders and thresholds of scores.</summary>
internal static class Ranking
{
    /// <summary>The k-th largest score (k from 1 to the number of scores).</summary>
    public static float Largest(ReadOnlySpan<float> scores, int k)
    {
        if (k > scores.Length / 8)
            return LargestBySorting(scores, k);

        // A heap of the k largest so far, the smallest of them on top: nearly every score is below it and costs one comparison.
        float[] heap = ArrayPool<float>.Shared.Rent(k);
        heap.AsSpan(0, k).Fill(float.NegativeInfinity);
        foreach (float score in scores)
            if (score > heap[0])
                ReplaceTop(heap.AsSpan(0, k), score);
        float answer = heap[0];
        ArrayPool<float>.Shared.Return(heap);
        return answer;
    }

    /// <summary>The indices ordered by <paramref name="values"/>, lowest first, equal values by index.</summary>
    public static int[] Ascending(ReadOnlySpan<double> values)
    {
        var order = new int[values.Length];
        var keys = new Key[values.Length];
        for (int i = 0; i < values.Length; i++)
        {
            keys[i] = new Key(values[i], i);
            order[i] = i;
        }

        Array.Sort(keys, order);
        return order;
    }

    private static float LargestBySorting(ReadOnlySpan<float> scores, int k)
    {
        float[] copy = ArrayPool<float>.Shared.Rent(scores.Length);
        scores.CopyTo(copy);
        copy.AsSpan(0, scores.Length).Sort();
        float answer = copy[scores.Length - k];
        ArrayPool<float>.Shared.Return(copy);
        return answer;
    }

    private static void ReplaceTop(Span<float> heap, float score)
    {
        int parent = 0;
        for (int child = 1; child < heap.Length; child = (2 * parent) + 1)
        {
            if (child + 1 < heap.Length && heap[child + 1] < heap[child])
                child++;
            if (heap[child] >= score)
                break;
            heap[parent] = heap[child];
            parent = child;
        }

        heap[parent] = score;
    }

    private readonly record struct Key(double Value, int Index) : IComparable<Key>
    {
        public int CompareTo(Key other)
        {
            int byValue = Value.CompareTo(other.Value);
            return byValue != 0 ? byValue : Index.CompareTo(other.Index);
        }
    }
}
