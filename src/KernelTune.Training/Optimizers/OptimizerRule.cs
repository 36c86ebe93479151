using KernelTune.Devices;
using KernelTune.Devices.Calls;
using KernelTune.Kernels.Elementwise;
using KernelTune.Training.Recipes;

namespace KernelTune.Training.Optimizers;

/// <summary>Which optimizer, as <see cref="Optimizer"/> knows it: the calls of its formula, and what its states are called.</summary>
public abstract class OptimizerRule
{
    private OptimizerRule(bool isEightBit, string[] states) => (IsEightBit, States) = (isEightBit, states);

    /// <summary>Whether states are kept as codes of the dynamic maps, in blocks of 256.</summary>
    public bool IsEightBit { get; }

    /// <summary>The states' names: PyTorch's, or bitsandbytes' "state1" and "state2".</summary>
    public IReadOnlyList<string> States { get; }

    /// <summary>The rule of a recipe.</summary>
    public static OptimizerRule Of(OptimizerSettings settings) => settings.Type switch
    {
        OptimizerKind.AdamW => new Rule<AdamW>(false, "exp_avg", "exp_avg_sq"),
        OptimizerKind.AdamW8Bit => new Rule<AdamW>(true, "state1", "state2"),
        OptimizerKind.Adam => new Rule<Adam>(false, "exp_avg", "exp_avg_sq"),
        OptimizerKind.Lion => new Rule<Lion>(false, "exp_avg"),
        OptimizerKind.Lion8Bit => new Rule<Lion>(true, "state1"),
        OptimizerKind.Sgd when settings.Momentum == 0 => new Rule<Sgd>(false),
        OptimizerKind.Sgd when settings.Nesterov => new Rule<SgdNesterov>(false, "momentum_buffer"),
        OptimizerKind.Sgd => new Rule<SgdMomentum>(false, "momentum_buffer"),
        OptimizerKind.Sgd8Bit => new Rule<SgdMomentum>(true, "state1"),
        var other => throw new ArgumentOutOfRangeException(nameof(settings), other, "an optimizer without a rule"),
    };

    /// <summary>The numbers of <see cref="UpdateSettings"/> that a recipe means: SGD's momentum stands for β₁.</summary>
    public static UpdateSettings Numbers(OptimizerSettings s, double weightDecay) =>
        s.Type is OptimizerKind.Sgd or OptimizerKind.Sgd8Bit ? new(s.Momentum, 0, 0, weightDecay, s.Dampening) : new(s.Beta1, s.Beta2, s.Eps, weightDecay);

    /// <summary>The step's two numbers of a parameter that has now been updated <paramref name="step"/> times, this one included.</summary>
    public abstract (double First, double Second) Corrections(in UpdateSettings settings, int step);

    /// <summary>Updates a parameter and its states; p and g flat.</summary>
    public abstract void Run(in View p, in View g, in ParameterState state, in View levels, in View scalars, in UpdateSettings settings);

    private sealed class Rule<TRule>(bool isEightBit, params string[] states) : OptimizerRule(isEightBit, states)
        where TRule : struct, IUpdateRule
    {
        public override (double First, double Second) Corrections(in UpdateSettings settings, int step) => TRule.Corrections(settings, step);

        public override void Run(in View p, in View g, in ParameterState s, in View levels, in View scalars, in UpdateSettings settings)
        {
            if (s.MagnitudesFirst.Exists)
                p.Device.Run(new BlockwiseUpdateCall<TRule>(p, g, s.First, s.Second, s.MagnitudesFirst, s.MagnitudesSecond, levels, scalars, settings));
            else
                p.Device.Run(new UpdateCall<TRule>(p, g, s.First, s.Second, scalars, settings));
        }
    }
}

/// <summary>A parameter's states, flat; those that the optimizer has not are absent, and so are magnitudes of states that are no codes.</summary>
public readonly record struct ParameterState(View First, View Second, View MagnitudesFirst, View MagnitudesSecond);
