namespace KernelTune.Kernels.Elementwise;

/// <summary>The settings of an optimizer that do not change from step to step. What a rule has no use for is not read.</summary>
/// <param name="Beta1">The decay of the first state: β₁, or SGD's momentum.</param>
/// <param name="Beta2">The decay of the second state, and of Lion's one.</param>
/// <param name="Eps">Added to a root.</param>
/// <param name="WeightDecay">Decoupled from the gradient or added to it, as the rule says.</param>
/// <param name="Dampening">SGD's: the gradient enters the momentum times 1 − dampening, from the second step on.</param>
public readonly record struct UpdateSettings(double Beta1, double Beta2, double Eps, double WeightDecay, double Dampening = 0);

/// <summary>One step's numbers of an <see cref="IUpdateRule"/>, computed once from the settings and the step's scalars.</summary>
/// <param name="Beta1">See <see cref="UpdateSettings"/>.</param>
/// <param name="Beta2">See <see cref="UpdateSettings"/>.</param>
/// <param name="Eps">See <see cref="UpdateSettings"/>.</param>
/// <param name="WeightDecay">See <see cref="UpdateSettings"/>.</param>
/// <param name="Rate">The learning rate.</param>
/// <param name="Decay">1 − lr·weight decay.</param>
/// <param name="First">The rule's first number of the step: 1 − β₁ᵗ, or how much of the gradient enters the momentum.</param>
/// <param name="Step">lr / <paramref name="First"/>.</param>
/// <param name="InverseRootCorrection">1/√ of the rule's second number: 1/√(1 − β₂ᵗ).</param>
/// <param name="Clip">The factor of the gradient: 1 unless the global norm is too large.</param>
public readonly record struct UpdateParams(
    double Beta1, double Beta2, double Eps, double WeightDecay, double Rate, double Decay, double First, double Step, double InverseRootCorrection, double Clip)
{
    /// <summary>From the one-element values that a step keeps in device memory.</summary>
    public static UpdateParams Of(in UpdateSettings s, double lr, double first, double second, double clip) =>
        new(s.Beta1, s.Beta2, s.Eps, s.WeightDecay, lr, 1 - lr * s.WeightDecay, first, lr / first, 1 / Math.Sqrt(second), clip);
}

/// <summary>An optimizer's update of one number. Inputs: parameter, gradient, and its states; outputs: parameter and states.</summary>
public interface IUpdateRule : IElementwise<UpdateParams>
{
    /// <summary>The rule's name in calls and tables, such as "adamw".</summary>
    static abstract string Name { get; }

    /// <summary>The two numbers that depend on how often a parameter has been updated, this step included: step is 1 at first. What is not used is 1.</summary>
    static abstract (double First, double Second) Corrections(in UpdateSettings settings, int step);
}
