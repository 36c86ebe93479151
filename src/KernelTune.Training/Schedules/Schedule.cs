namespace KernelTune.Training.Schedules;

/// <summary>The learning rate of every step: a pure function of the step, so that a resumed run needs no state.</summary>
/// <remarks>Step k, counted from 0, is the one that updates the parameters for the (k + 1)-th time. All arithmetic is in double.</remarks>
public abstract record Schedule
{
    /// <summary>The rate that step <paramref name="step"/> uses for parameters whose rate is <paramref name="baseRate"/>.</summary>
    /// <exception cref="ScheduleException">The schedule is not defined at this step.</exception>
    public abstract double Rate(int step, double baseRate);

    /// <summary>The momentum (or β₁) that step <paramref name="step"/> uses; null: the optimizer's own.</summary>
    public virtual double? Momentum(int step) => null;

    /// <summary>How many steps warm up: <paramref name="steps"/> if it is above 0, else the ratio of <paramref name="totalSteps"/>, rounded up.</summary>
    /// <exception cref="ScheduleException">The ratio is not between 0 and 1, or the steps are negative.</exception>
    public static int WarmupSteps(int steps, double ratio, int totalSteps)
    {
        if (steps < 0)
            throw new ScheduleException($"warmup_steps is {steps}, wanted 0 or more");
        if (!(ratio >= 0 && ratio <= 1))
            throw new ScheduleException(FormattableString.Invariant($"warmup_ratio is {ratio}, wanted a number from 0 to 1"));
        return steps > 0 ? steps : (int)Math.Ceiling(totalSteps * ratio);
    }
}

/// <summary>A schedule whose settings contradict each other, or that is asked beyond its end.</summary>
public sealed class ScheduleException(string message) : Exception(message);
