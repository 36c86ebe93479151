using System.Buffers;

namespace KernelTune.Evaluation.Generation.Processors;

/// <summary>Keeps the smallest set of most likely tokens whose mass reaches p (Holtzman et al., 2019).</summary>
/// <remarks>A token stays if the mass of those before it is below p; of equal scores the higher indices come first.</remarks>
public sealed class TopP(double p, int minTokensToKeep = 1) : ILogitsProcessor
{
    private readonly DescendingScores order = new();

    public string Name => "TopPLogitsWarper";

    public void Process(in LogitsContext context, Span<float> scores)
    {
        var softmax = new Softmax(scores);
        order.Fill(scores);
        int[] kept = ArrayPool<int>.Shared.Rent(Math.Max(1, order.Left));
        int count = 0;
        double mass = 0;
        while (order.Left > 0 && (mass < p || count < minTokensToKeep))
        {
            int next = order.Take(scores);
            kept[count++] = next;
            mass += softmax.Probability(scores[next]);
        }

        Kept.Only(kept.AsSpan(0, count), scores);
        ArrayPool<int>.Shared.Return(kept);
    }
}

internal static class Kept
{
    /// <summary>Forbids all tokens but <paramref name="tokens"/>.</summary>
    public static void Only(ReadOnlySpan<int> tokens, Span<float> scores)
    {
        float[] values = ArrayPool<float>.Shared.Rent(Math.Max(1, tokens.Length));
        for (int i = 0; i < tokens.Length; i++)
            values[i] = scores[tokens[i]];
        scores.Fill(float.NegativeInfinity);
        for (int i = 0; i < tokens.Length; i++)
            scores[tokens[i]] = values[i];
        ArrayPool<float>.Shared.Return(values);
    }
}
