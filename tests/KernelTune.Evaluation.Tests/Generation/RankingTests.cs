using KernelTune.Evaluation.Generation;
using KernelTune.Evaluation.Generation.Processors;

namespace KernelTune.Evaluation.Tests.Generation;

public sealed class RankingTests
{
    private static float[] Random(int count, int distinct)
    {
        var random = new Random(count + distinct);
        return [.. Enumerable.Range(0, count).Select(_ => random.Next(20) == 0 ? float.NegativeInfinity : random.Next(distinct) * 0.01f)];
    }

    [Test]
    public void The_kth_largest_is_that_of_a_sorted_copy([Values(1, 2, 5, 100, 125, 126, 999, 1000)] int k, [Values(3, 100_000)] int distinct)
    {
        float[] scores = Random(1000, distinct);
        Assert.That(Ranking.Largest(scores, k), Is.EqualTo(scores.OrderDescending().ElementAt(k - 1)));
    }

    [Test]
    public void Scores_come_highest_first_and_of_equals_the_higher_index([Values(3, 100_000)] int distinct)
    {
        float[] scores = Random(1000, distinct);
        var order = new DescendingScores();
        order.Fill(new float[2000]);        // memory of an earlier, longer call
        order.Fill(scores);
        List<int> taken = [];
        while (order.Left > 0)
            taken.Add(order.Take(scores));
        Assert.That(taken, Is.EqualTo(Enumerable.Range(0, 1000).Where(i => scores[i] > float.NegativeInfinity).OrderByDescending(i => scores[i]).ThenByDescending(i => i)));
    }

    [Test]
    public void Top_p_keeps_the_set_that_sorting_upwards_leaves([Values(0.01, 0.3, 0.9, 0.999)] double p, [Values(1, 5)] int keep)
    {
        float[] scores = Random(500, 1000);
        double total = scores.Sum(s => Math.Exp(s));
        int[] ascending = [.. Enumerable.Range(0, 500).OrderBy(i => scores[i]).ThenBy(i => i)];
        var wanted = (float[])scores.Clone();
        double mass = 0;
        foreach (int i in ascending[..^keep])
        {
            mass += Math.Exp(scores[i]) / total;
            if (mass <= 1 - p)
                wanted[i] = float.NegativeInfinity;
        }

        new TopP(p, keep).Process(new LogitsContext([], 0, 0), scores);
        Assert.That(scores, Is.EqualTo(wanted));
    }
}
