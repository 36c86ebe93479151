using KernelTune.Evaluation.Metrics;

namespace KernelTune.Evaluation.Tests.Metrics;

public sealed class LossMeanTests
{
    [Test]
    public void Labels_weigh_alike_whatever_batch_they_are_in()
    {
        var mean = new LossMean();
        mean.AddMean(2, 3);
        mean.AddMean(4, 1);
        mean.AddSum(5, 1);
        Assert.That(mean.Mean, Is.EqualTo(3));
        Assert.That(mean.Labels, Is.EqualTo(5));
        Assert.That(mean.Perplexity, Is.EqualTo(Math.Exp(3)));
        Assert.That(mean.BitsPerLabel, Is.EqualTo(3 / Math.Log(2)));
    }

    [Test]
    public void A_batch_without_labels_is_counted_and_adds_nothing()
    {
        var mean = new LossMean();
        mean.AddMean(double.NaN, 0);
        Assert.That(mean.Mean, Is.NaN);
        mean.AddMean(1, 2);
        Assert.That(mean.Mean, Is.EqualTo(1));
        Assert.That(mean.BatchesWithoutLabels, Is.EqualTo(1));
    }

    [Test]
    public void Small_losses_are_not_lost_beside_large_ones()
    {
        var mean = new LossMean();
        mean.AddSum(1e16, 1);
        for (int i = 0; i < 9; i++)
            mean.AddSum(1, 1);
        mean.AddSum(-1e16, 1);
        Assert.That(mean.Mean, Is.EqualTo(9.0 / 11));
    }

    [Test]
    public void An_infinite_loss_stays_infinite()
    {
        var mean = new LossMean();
        mean.AddMean(double.PositiveInfinity, 1);
        mean.AddMean(1, 1);
        Assert.That(mean.Mean, Is.EqualTo(double.PositiveInfinity));
    }
}
