using KernelTune.Autograd.Ops;
using KernelTune.Devices;
using KernelTune.Devices.Reference;

namespace KernelTune.Autograd.Tests;

/// <summary>Masks are a function of seed, module path, site, step, micro-batch and element: drawn twice they are the same, drawn elsewhere they are not.</summary>
public sealed class DropoutTests
{
    private const int N = 40_000;

    [Test]
    public void Mask_is_reproducible_and_has_the_right_mean()
    {
        double[] first = Masked(seed: 5, step: 2), again = Masked(seed: 5, step: 2);
        Assert.That(again, Is.EqualTo(first));
        double kept = first.Count(v => v != 0);

        // Six standard deviations of a binomial share.
        double allowed = 6 * Math.Sqrt(0.3 * 0.7 / N);
        Assert.That(kept / N, Is.EqualTo(0.7).Within(allowed));
        Assert.That(first.Where(v => v != 0).Distinct(), Is.EqualTo(new[] { 1 / 0.7 }).Within(1e-12), "what is kept is scaled by 1/(1 − p)");
    }

    [TestCase(6ul, 2, 0, "a", "dropout", TestName = "Mask depends on the seed")]
    [TestCase(5ul, 3, 0, "a", "dropout", TestName = "Mask depends on the step")]
    [TestCase(5ul, 2, 1, "a", "dropout", TestName = "Mask depends on the micro-batch")]
    [TestCase(5ul, 2, 0, "b", "dropout", TestName = "Mask depends on the module path")]
    [TestCase(5ul, 2, 0, "a", "other", TestName = "Mask depends on the site")]
    public void Mask_depends_on_its_place(ulong seed, int step, int microBatch, string path, string site)
    {
        double[] here = Masked(5, 2), there = Masked(seed, step, microBatch, path, site);
        double same = here.Zip(there).Count(p => p.First == p.Second) / (double)N;

        // Independent masks agree in 0.7² + 0.3² = 58% of their elements.
        Assert.That(same, Is.EqualTo(0.58).Within(6 * Math.Sqrt(0.58 * 0.42 / N)));
    }

    [Test]
    public void Mask_does_not_depend_on_the_length()
    {
        double[] whole = Masked(5, 2), part = Masked(5, 2, length: 1001);
        Assert.That(part, Is.EqualTo(whole[..1001]));
    }

    [Test]
    public void Nothing_is_dropped_outside_training()
    {
        using var device = new ReferenceDevice();
        using var session = new Session(device);
        var x = session.Upload<float>([1, 2, 3], new Shape(3), session.Real);
        Assert.That(Dropout.Apply(x, 0.9), Is.SameAs(x));
    }

    [Test]
    public void Backward_uses_the_forwards_mask()
    {
        using var device = new ReferenceDevice();
        using var weight = new Parameter("w", new Shape(N)) { Trainable = true };
        weight.Load(device, Enumerable.Repeat(1f, N).ToArray());
        using var store = new GradientStore(device, [weight]);
        using var session = new Session(device, store) { Training = true, Seed = 5 };
        var y = Dropout.Apply(Leaf.Apply(session, weight), 0.3);
        double[] forward = new double[N], backward = new double[N];
        device.Read<double>(y.View, forward);
        session.Backward([y], [session.Upload<float>(Enumerable.Repeat(1f, N).ToArray(), new Shape(N), session.Real)]);
        device.Read<double>(store.Of(weight), backward);
        Assert.That(backward, Is.EqualTo(forward), "dy/dx of ones is the mask itself");
    }

    private static double[] Masked(ulong seed, int step, int microBatch = 0, string path = "a", string site = "dropout", int length = N)
    {
        using var device = new ReferenceDevice();
        using var session = new Session(device) { Training = true, Seed = seed, Step = step, MicroBatch = microBatch };
        using var scope = session.Enter(path);
        var x = session.Upload<float>(Enumerable.Repeat(1f, length).ToArray(), new Shape(length), session.Real);
        var values = new double[length];
        device.Read<double>(Dropout.Apply(x, 0.3, site).View, values);
        return values;
    }
}
