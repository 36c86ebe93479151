using KernelTune.Training.Schedules;

namespace KernelTune.Training.Tests.Schedules;

/// <summary>Settings and edges; every step's rate is held to the goldens by the conformance tool.</summary>
public sealed class ScheduleTests
{
    [TestCase(0, 0.1, 30, 3)]
    [TestCase(0, 0.101, 30, 4, TestName = "a ratio is rounded up")]
    [TestCase(5, 0.5, 30, 5, TestName = "steps win over the ratio")]
    [TestCase(0, 0, 30, 0)]
    public void Warmup_steps(int steps, double ratio, int total, int wanted) => Assert.That(Schedule.WarmupSteps(steps, ratio, total), Is.EqualTo(wanted));

    [TestCase(-0.1)]
    [TestCase(1.5)]
    [TestCase(double.NaN)]
    public void A_ratio_out_of_range_is_refused(double ratio) =>
        Assert.That(() => Schedule.WarmupSteps(0, ratio, 10), Throws.TypeOf<ScheduleException>().With.Message.EndsWith("wanted a number from 0 to 1"));

    [Test]
    public void The_first_step_of_a_warmup_changes_nothing_and_the_next_one_after_it_has_the_full_rate()
    {
        Schedule schedule = new ScheduleSettings { Type = "cosine", WarmupSteps = 3 }.Create(12);
        Assert.That(schedule.Rate(0, 0.02), Is.Zero);
        Assert.That(schedule.Rate(1, 0.02), Is.EqualTo(0.02 / 3).Within(1e-17));
        Assert.That(schedule.Rate(3, 0.02), Is.EqualTo(0.02));
        Assert.That(schedule.Rate(12, 0.02), Is.Zero.Within(1e-17));
    }

    [Test]
    public void Linear_stays_at_zero_past_its_end() => Assert.That(new LinearSchedule(2, 10).Rate(15, 1), Is.Zero);

    [Test]
    public void Constant_with_a_warmup_warms_up() => Assert.That(new ScheduleSettings { Type = "constant", WarmupRatio = 0.5 }.Create(8).Rate(1, 1), Is.EqualTo(0.25));

    [Test]
    public void An_unknown_type_lists_the_known_ones() =>
        Assert.That(
            () => new ScheduleSettings { Type = "cosign" }.Create(10),
            Throws.TypeOf<ScheduleException>().With.Message.StartsWith("schedule type 'cosign' is unknown, wanted one of constant, "));

    [Test]
    public void A_floor_wants_one_figure() =>
        Assert.That(
            () => new ScheduleSettings { Type = "cosine_with_min_lr" }.Create(10),
            Throws.TypeOf<ScheduleException>().With.Message.EqualTo("cosine_with_min_lr wants exactly one of min_lr and min_lr_rate"));

    [Test]
    public void One_cycle_ends() =>
        Assert.That(() => new OneCycleSchedule(1, 10).Rate(10, 1), Throws.TypeOf<ScheduleException>().With.Message.EqualTo("step 10 is asked of a one-cycle schedule of 10 steps"));

    [Test]
    public void A_plateau_continues_from_its_state()
    {
        var whole = new PlateauSchedule(1) { Factor = 0.5, Patience = 1 };
        var first = new PlateauSchedule(1) { Factor = 0.5, Patience = 1 };
        double[] metric = [3, 3, 3, 2, 2, 2, 2];
        foreach (double m in metric[..2])
            first.Report(m);
        var second = new PlateauSchedule(1) { Factor = 0.5, Patience = 1, State = first.State };
        foreach (double m in metric[2..])
            second.Report(m);
        foreach (double m in metric)
            whole.Report(m);
        Assert.That(whole.Rate, Is.EqualTo(0.25));
        Assert.That(second.State, Is.EqualTo(whole.State));
    }

    [Test]
    public void A_metric_that_should_grow_is_watched_upwards()
    {
        var schedule = new PlateauSchedule(1, higherIsBetter: true) { Patience = 0 };
        schedule.Report(0.5);
        schedule.Report(0.6);
        Assert.That(schedule.Rate, Is.EqualTo(1));
        schedule.Report(0.6);
        Assert.That(schedule.Rate, Is.EqualTo(0.1));
    }
}
