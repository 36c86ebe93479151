using System.Buffers;
using KernelTune.Autograd;
using KernelTune.Autograd.Ops;
using KernelTune.Devices;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Modules;

/// <summary>T5's sorting of distances into buckets (Raffel et al., 2020): exact ones near by, logarithmically wider ones up to a greatest distance, one for all beyond.</summary>
/// <param name="Count">The number of buckets.</param>
/// <param name="MaxDistance">From here on everything is in the last bucket.</param>
/// <param name="Bidirectional">Half of the buckets for keys after the query; false: those all count as distance 0.</param>
public sealed record RelativeBuckets(int Count, int MaxDistance, bool Bidirectional)
{
    /// <summary>The bucket of a key position minus a query position.</summary>
    public int Of(long distance)
    {
        int count = Bidirectional ? Count / 2 : Count;
        int first = Bidirectional && distance > 0 ? count : 0;
        long away = Bidirectional ? Math.Abs(distance) : Math.Max(0, -distance);
        int exact = count / 2;
        if (away < exact)
            return first + (int)away;

        // In single precision, as the library computes it: the edges of buckets depend on it.
        float share = MathF.Log((float)away / exact) / (float)Math.Log((double)MaxDistance / exact);
        return first + Math.Min(exact + (int)(share * (count - exact)), count - 1);
    }

    /// <summary>The bucket of every pair, I64 [queries, keys]; the last query stands at the last key.</summary>
    public Tensor Upload(Session session, int queries, int keys)
    {
        long[] rented = ArrayPool<long>.Shared.Rent(queries * keys);
        var buckets = rented.AsSpan(0, queries * keys);
        Fill(buckets, queries, keys);
        var uploaded = session.Upload<long>(buckets, new Shape(queries, keys), DType.I64);
        ArrayPool<long>.Shared.Return(rented);
        return uploaded;
    }

    /// <summary>What a table [buckets, H] holds for each pair, [queries, keys, H], as a bias of attention scores, [1, H, queries, keys].</summary>
    public static Tensor Bias(Tensor ofPairs)
    {
        var heads = Permute.Apply(ofPairs, 2, 0, 1);
        return Reshape.Apply(heads, new Shape(1, heads.Shape[0], heads.Shape[1], heads.Shape[2]));
    }

    // Distances are j − (i + keys − queries).
    private void Fill(Span<long> buckets, int queries, int keys)
    {
        int least = 1 - keys;
        Span<int> ofDistance = keys + queries <= 1024 ? stackalloc int[keys + queries] : new int[keys + queries];
        for (int i = 0; i < keys + queries - 1; i++)
            ofDistance[i] = Of(least + i);
        for (int i = 0; i < queries; i++)
        {
            for (int j = 0; j < keys; j++)
                buckets[(i * keys) + j] = ofDistance[j - (i + keys - queries) - least];
        }
    }
}
