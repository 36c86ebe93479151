using KernelTune.Conformance.Checks;

namespace KernelTune.Conformance.Tests.Checks;

/// <summary>The judge itself: what it lets pass, what it does not, and what it says.</summary>
public sealed class GoldenCheckTests
{
    private static GoldenCheck Check(string device, double maxAbs = 1e-6, double scale = 10) =>
        new(device, new Dictionary<string, FloatError> { ["x"] = new(maxAbs, scale) });

    [TestCase("cpu", 2.39e-5, true, TestName = "float32: 4·max_abs + 2e-6·scale")]
    [TestCase("cpu", 2.41e-5, false, TestName = "float32: and no more")]
    [TestCase("reference", 0.99e-5, true, TestName = "reference: 1e-6·scale")]
    [TestCase("reference", 1.01e-5, false, TestName = "reference: and no more")]
    public void The_common_rule(string device, double error, bool passes)
    {
        GoldenCheck check = Check(device);
        check.Numbers<double>("x", [1 + error, 2], [1, 2]);
        Assert.That(check.Finding().Outcome, Is.EqualTo(passes ? Outcome.Pass : Outcome.Fail));
    }

    [TestCase("cpu", 1.09e-4, true)]
    [TestCase("cpu", 1.11e-4, false)]
    [TestCase("reference", 1.01e-5, false)]
    public void The_rule_for_trajectories(string device, double error, bool passes)
    {
        GoldenCheck check = Check(device);
        check.Trajectory<double>("x", [1 + error], [1]);
        Assert.That(check.Passes, Is.EqualTo(passes));
    }

    [Test]
    public void The_worst_tensor_is_named_with_its_error_and_what_was_allowed()
    {
        GoldenCheck check = Check("cpu");
        check.Numbers<double>("x", [1 + 1e-6], [1]);
        check.Numbers<float>("y", [1], [1]);
        Assert.That(check.Finding().Detail, Is.EqualTo("worst x: error 1.0e-6, allowed 2.4e-5"));
    }

    [Test]
    public void A_failure_says_where_and_what_was_wanted()
    {
        GoldenCheck check = Check("cpu");
        check.Numbers<double>("x", [1, 3], [1, 2]);
        Assert.That(check.Finding().Detail, Is.EqualTo("x[1] is 3, wanted 2 ± 2.4e-5"));
    }

    [Test]
    public void Infinities_must_stand_in_the_same_places()
    {
        GoldenCheck check = Check("cpu");
        check.Numbers<float>("x", [float.NegativeInfinity, 1], [double.NegativeInfinity, 1]);
        Assert.That(check.Passes, Is.True);
        check.Numbers<float>("x", [float.PositiveInfinity], [double.NegativeInfinity]);
        check.Numbers<float>("z", [float.NaN], [1]);
        Assert.That(check.Finding().Detail, Does.StartWith("x[0] is Infinity, wanted -Infinity").And.Contain("z[0] is NaN"));
    }

    [Test]
    public void Masked_elements_do_not_count()
    {
        GoldenCheck check = Check("cpu");
        check.Exact<int>("ids", [1], [1]);
        Assert.That(check.Finding().Detail, Is.EqualTo("1 exact"));
        check.Exact<int>("ids", [1, 2], [1, 3]);
        Assert.That(check.Finding().Detail, Is.EqualTo("ids[1] is 2, wanted 3"));
    }

    [Test]
    public void Names_that_lack_or_exceed_are_failures()
    {
        GoldenCheck check = Check("cpu");
        check.Names("the gradients", ["a", "b"], ["b", "c"]);
        Assert.That(check.Finding().Detail, Is.EqualTo("the gradients lacks 1: c; the gradients has 1 too many: a"));
    }

    [Test]
    public void Comparing_nothing_is_a_failure() => Assert.That(Check("cpu").Finding(), Is.EqualTo(new Finding("", Outcome.Fail, "nothing was compared")));
}
