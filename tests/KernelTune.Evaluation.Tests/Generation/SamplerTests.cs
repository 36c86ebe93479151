using KernelTune.Evaluation.Generation;

namespace KernelTune.Evaluation.Tests.Generation;

public sealed class SamplerTests
{
    [Test]
    public void Greedy_takes_the_first_of_equals() => Assert.That(new Sampler(0, doSample: false).Choose([1, 3, 3, 2], 0, 0), Is.EqualTo(1));

    [Test]
    public void Draws_follow_the_distribution()
    {
        float[] scores = [MathF.Log(0.5f), float.NegativeInfinity, MathF.Log(0.3f), MathF.Log(0.2f)];
        var sampler = new Sampler(7, doSample: true);
        int[] counts = new int[4];
        const int draws = 40_000;
        for (int step = 0; step < draws; step++)
            counts[sampler.Choose(scores, 0, step)]++;
        Assert.That(counts[1], Is.Zero);
        Assert.That(counts[0] / (double)draws, Is.EqualTo(0.5).Within(0.01));
        Assert.That(counts[2] / (double)draws, Is.EqualTo(0.3).Within(0.01));
    }

    [Test]
    public void A_draw_depends_on_seed_row_and_step_only()
    {
        float[] scores = new float[1000];
        int[] Draws(ulong seed, int row) => [.. Enumerable.Range(0, 20).Select(step => new Sampler(seed, doSample: true).Choose(scores, row, step))];
        int[] first = Draws(1, 0);
        Assert.That(Draws(1, 0), Is.EqualTo(first));
        Assert.That(Draws(2, 0), Is.Not.EqualTo(first));
        Assert.That(Draws(1, 1), Is.Not.EqualTo(first));
    }

    [TestCase(0.0, 0)]
    [TestCase(0.49, 0)]
    [TestCase(0.51, 2)]
    [TestCase(0.9999999999999999, 2)]
    public void Shares_lie_in_the_order_of_ids(double uniform, int token) => Assert.That(Sampler.Draw([0, float.NegativeInfinity, 0], 0, uniform), Is.EqualTo(token));

    [Test]
    public void Nothing_to_choose_is_an_error() =>
        Assert.That(
            () => Sampler.ArgMax([float.NegativeInfinity]),
            Throws.TypeOf<GenerationException>().With.Message.EqualTo("every token is forbidden: the settings leave nothing to choose from"));

    [Test]
    public void Not_a_number_is_an_error() => Assert.That(() => Sampler.ArgMax([0, float.NaN]), Throws.TypeOf<GenerationException>().With.Message.StartsWith("the score of token 1 is not a number"));
}
