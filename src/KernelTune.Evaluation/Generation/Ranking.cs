using System.Buffers;

namespace KernelTune.Evaluation.Generation;

/// <summary>Orders scores as torch.sort does: by value, equal values by index.</summary>
internal static class Ranking
{
    /// <summary>The indices of the scores above −∞, lowest score first; equal scores keep the order of their indices.</summary>
    public static int[] Ascending(ReadOnlySpan<float> scores)
    {
        int kept = 0;
        foreach (float s in scores)
            if (!float.IsNegativeInfinity(s))
                kept++;
        var order = new int[kept];
        var keys = new Key[kept];
        for (int i = 0, n = 0; i < scores.Length; i++)
        {
            if (float.IsNegativeInfinity(scores[i]))
                continue;
            keys[n] = new Key(scores[i], i);
            order[n++] = i;
        }

        Array.Sort(keys, order);
        return order;
    }

    /// <summary>The k-th largest score (k from 1).</summary>
    public static float Largest(ReadOnlySpan<float> scores, int k)
    {
        if (k == 1)
        {
            float max = float.NegativeInfinity;
            foreach (float s in scores)
                max = Math.Max(max, s);
            return max;
        }

        float[] copy = ArrayPool<float>.Shared.Rent(scores.Length);
        scores.CopyTo(copy);
        copy.AsSpan(0, scores.Length).Sort();
        float answer = copy[scores.Length - k];
        ArrayPool<float>.Shared.Return(copy);
        return answer;
    }

    private readonly record struct Key(double Value, int Index) : IComparable<Key>
    {
        public int CompareTo(Key other)
        {
            int byValue = Value.CompareTo(other.Value);
            return byValue != 0 ? byValue : Index.CompareTo(other.Index);
        }
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
}
