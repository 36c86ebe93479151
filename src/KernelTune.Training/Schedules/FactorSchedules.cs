namespace KernelTune.Training.Schedules;

/// <summary>A schedule that multiplies the base rate, whatever it is: several of them can be chained (PyTorch's lr_scheduler).</summary>
public abstract record FactorSchedule : Schedule
{
    public sealed override double Rate(int step, double baseRate) => baseRate * Factor(step);

    /// <summary>What the base rate is multiplied by.</summary>
    public abstract double Factor(int step);
}

/// <summary>γᵏ.</summary>
public sealed record ExponentialDecay(double Gamma) : FactorSchedule
{
    public override double Factor(int step) => Math.Pow(Gamma, step);
}

/// <summary>γ^⌊k/size⌋.</summary>
public sealed record StepDecay(int StepSize, double Gamma = 0.1) : FactorSchedule
{
    public override double Factor(int step) => Math.Pow(Gamma, step / StepSize);
}

/// <summary>γ once for every milestone reached; a milestone given twice counts twice.</summary>
public sealed record MultiStepDecay(IReadOnlyList<int> Milestones, double Gamma = 0.1) : FactorSchedule
{
    public override double Factor(int step) => Math.Pow(Gamma, Milestones.Count(m => m <= step));
}

/// <summary>A constant share for the first steps, then 1.</summary>
public sealed record ConstantFactor(double Share = 1.0 / 3, int Steps = 5) : FactorSchedule
{
    public override double Factor(int step) => step < Steps ? Share : 1;
}

/// <summary>From one share to another in a straight line, over the first steps.</summary>
public sealed record LinearFactor(double Start = 1.0 / 3, double End = 1, int Steps = 5) : FactorSchedule
{
    public override double Factor(int step) => Start + ((End - Start) * Math.Min(Steps, step) / Steps);
}

/// <summary>(1 − k/steps)^power, then 0.</summary>
public sealed record PolynomialFactor(int Steps = 5, double Power = 1) : FactorSchedule
{
    public override double Factor(int step) => Math.Pow(1 - (Math.Min(Steps, step) / (double)Steps), Power);
}

/// <summary>The product of several schedules (PyTorch's ChainedScheduler).</summary>
public sealed record ChainedSchedule(IReadOnlyList<FactorSchedule> Schedules) : FactorSchedule
{
    public override double Factor(int step) => Schedules.Aggregate(1.0, (product, s) => product * s.Factor(step));
}

/// <summary>One schedule after another, each counting from its own start (PyTorch's SequentialLR).</summary>
/// <param name="Schedules">The schedules.</param>
/// <param name="Milestones">The first step of every schedule but the first, ascending.</param>
public sealed record SequentialSchedule(IReadOnlyList<Schedule> Schedules, IReadOnlyList<int> Milestones) : Schedule
{
    public override double Rate(int step, double baseRate)
    {
        int passed = Milestones.Count(m => m <= step);
        if (passed >= Schedules.Count)
            throw new ScheduleException($"there are {Milestones.Count} milestones for {Schedules.Count} schedules, wanted one fewer");
        return Schedules[passed].Rate(passed == 0 ? step : step - Milestones[passed - 1], baseRate);
    }
}
