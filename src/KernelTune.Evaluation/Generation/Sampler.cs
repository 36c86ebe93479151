using KernelTune.Kernels.Lanes;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Evaluation.Generation;

/// <summary>Chooses a token: the first of the highest scores, or a draw from the distribution that the scores stand for.</summary>
/// <remarks>
/// Draws are counter-based (<see cref="Philox"/>): key = seed, counter = (site, step, row). A row's draws do not depend on the rows around it,
/// on the number of threads or on what was drawn before.
/// </remarks>
public sealed class Sampler(ulong seed, bool doSample)
{
    /// <summary>Sets generation's draws apart from dropout's and shuffling's under the same seed.</summary>
    private static readonly uint Site = StableHash.Site("generation/sample");

    /// <summary>The chosen token. <paramref name="scores"/>: [vocabulary], processed logits.</summary>
    /// <exception cref="GenerationException">Every score is −∞, or one is NaN.</exception>
    public int Choose(ReadOnlySpan<float> scores, int row, int step)
    {
        int best = ArgMax(scores);
        return doSample ? Draw(scores, scores[best], Uniform(seed, (uint)row, (uint)step)) : best;
    }

    /// <summary>The first index of the highest score.</summary>
    /// <exception cref="GenerationException">Every score is −∞, or one is NaN.</exception>
    public static int ArgMax(ReadOnlySpan<float> scores)
    {
        int best = -1;
        float max = float.NegativeInfinity;
        for (int i = 0; i < scores.Length; i++)
        {
            if (float.IsNaN(scores[i]))
                throw NotANumber(i);
            if (scores[i] > max)
                (best, max) = (i, scores[i]);
        }

        return best >= 0 ? best : throw NothingLeft();
    }

    /// <summary>What is said of a score that is NaN.</summary>
    internal static GenerationException NotANumber(int token) =>
        new($"the score of token {token} is not a number: the model's weights or its input hold NaN or infinity");

    /// <summary>What is said where all scores are −∞.</summary>
    internal static GenerationException NothingLeft() => new("every token is forbidden: the settings leave nothing to choose from");

    /// <summary>The token whose share of [0, 1) holds <paramref name="uniform"/>: shares lie side by side in the order of ids.</summary>
    internal static int Draw(ReadOnlySpan<float> scores, float max, double uniform)
    {
        double total = 0;
        foreach (float s in scores)
            total += Math.Exp((double)s - max);

        double goal = uniform * total;
        double sum = 0;
        int last = 0;
        for (int i = 0; i < scores.Length; i++)
        {
            double share = Math.Exp((double)scores[i] - max);
            if (share == 0)
                continue;
            sum += share;
            last = i;
            if (sum > goal)
                return i;
        }

        return last;
    }

    /// <summary>A number in [0, 1) of 53 random bits.</summary>
    internal static double Uniform(ulong seed, uint row, uint step, uint element = 0)
    {
        Philox.Block(new RandomPlace(seed, Site, step, row), element, out U32 high, out U32 low, out _, out _);
        return ((((ulong)high.Value << 32) | low.Value) >> 11) * (1.0 / (1UL << 53));
    }
}
