using KernelTune.Autograd;
using KernelTune.Devices;
using KernelTune.Devices.Calls;
using KernelTune.Devices.Memory;
using KernelTune.Kernels.Elementwise;
using KernelTune.Kernels.Numerics;
using KernelTune.Training.Optimizers.ParameterGroups;
using KernelTune.Training.Recipes;

namespace KernelTune.Training.Optimizers;

/// <summary>
/// An optimizer over a run's parameters, with PyTorch's arithmetic and its clipping by the global norm. Every parameter has a step count of its own; one that the backward did not reach is left as it
/// is. Rate, corrections and clip factor go to the device as numbers of a table: no call waits for the host.
/// </summary>
public sealed class Optimizer : IDisposable
{
    private const int ScalarsPerParameter = 4;

    private readonly Device device;
    private readonly GradientStore gradients;
    private readonly OptimizerRule rule;
    private readonly OptimizerStates states;
    private readonly UpdateSettings[] settings;
    private readonly ParameterGroup[] groups;
    private readonly int[] groupOf;
    private readonly int[] steps;
    private readonly View scalars;
    private readonly View squares;
    private readonly View norm;
    private readonly View factor;
    private readonly double maxNorm;
    private readonly double[] rates;

    /// <param name="gradients">The parameters and their gradients.</param>
    /// <param name="groups">Every parameter's path in exactly one group.</param>
    /// <param name="how">Which optimizer; rate and weight decay are the groups'.</param>
    /// <param name="maxNorm">The greatest global norm; 0: none.</param>
    /// <exception cref="ArgumentException">A parameter is in no group; or gradients are released, and a norm over all of them is asked for.</exception>
    public Optimizer(GradientStore gradients, IReadOnlyList<ParameterGroup> groups, OptimizerSettings how, double maxNorm = 0)
    {
        this.gradients = gradients;
        this.groups = [.. groups];
        this.maxNorm = maxNorm;
        rates = new double[groups.Count];
        if (gradients.IsReleased && maxNorm > 0)
            throw new ArgumentException("gradients that are given back one by one have no norm before the first update", nameof(maxNorm));
        device = gradients.Device;
        rule = OptimizerRule.Of(how);
        settings = [.. groups.Select(g => OptimizerRule.Numbers(how, g.WeightDecay))];
        var parameters = gradients.Parameters;
        var byName = groups.SelectMany((g, i) => g.Parameters.Select(name => (name, i))).ToDictionary(p => p.name, p => p.i, StringComparer.Ordinal);
        groupOf = [.. parameters.Select(p => byName.TryGetValue(p.Path, out int i) ? i : throw new ArgumentException($"{p.Path} is in no parameter group", nameof(groups)))];
        steps = new int[parameters.Count];
        states = new OptimizerStates(device, parameters, rule, how.Min8BitSize);
        scalars = device.Allocate(new Shape(parameters.Count, ScalarsPerParameter), device.Real, Category.OptimizerState);
        squares = device.Allocate(new Shape(parameters.Count), DType.F64, Category.OptimizerState);
        norm = device.Allocate(new Shape(1), device.Real, Category.OptimizerState);
        factor = device.Allocate(new Shape(1), device.Real, Category.OptimizerState);
        device.Run(new FillCall(factor, 1));
        if (gradients.IsReleased)
            gradients.Consumer = Consume;
    }

    /// <summary>The groups, in order.</summary>
    public IReadOnlyList<ParameterGroup> Groups => groups;

    /// <summary>The global norm of the last step's gradients before clipping: one element on the device.</summary>
    public View GradientNorm => norm;

    /// <summary>Begins a step, before its backward pass: where gradients are released, a parameter is updated within it, as soon as its gradient is final.</summary>
    /// <param name="rates">The learning rate of each group.</param>
    public void Begin(ReadOnlySpan<double> rates)
    {
        rates.CopyTo(this.rates);
        if (gradients.IsReleased)
            device.Run(new FillCall(squares, 0));
    }

    /// <summary>Ends a step, after its backward pass: one update of every parameter that was reached and has not had it. The norm is the same either way.</summary>
    public void Step()
    {
        if (gradients.IsReleased)
        {
            gradients.ConsumeRest();
            device.Run(new ClipFactorCall(squares, norm, factor, 0));
            return;
        }
        var parameters = gradients.Parameters;
        for (int i = 0; i < parameters.Count; i++)
        {
            var one = squares.Slice(0, i, 1);
            if (gradients.Reached(parameters[i]))
                device.Run(new ReduceCall(Flat(gradients.Of(parameters[i])), one, 0, Reduction.SumOfSquares));
            else
                device.Run(new FillCall(one, 0));
        }
        device.Run(new ClipFactorCall(squares, norm, factor, maxNorm));
        for (int i = 0; i < parameters.Count; i++)
        {
            if (gradients.Reached(parameters[i]))
                Update(i);
        }
    }

    /// <summary>The states by name, as a checkpoint keeps them: "exp_avg.PATH" … in the parameter's shape.</summary>
    public IEnumerable<(string Name, View View)> State() => states.Named();

    /// <summary>The number of updates of each parameter.</summary>
    public IReadOnlyDictionary<string, int> StepCounts => gradients.Parameters.Select((p, i) => (p.Path, steps[i])).ToDictionary(p => p.Path, p => p.Item2, StringComparer.Ordinal);

    /// <summary>Sets the numbers of updates after a resume.</summary>
    public void RestoreStepCounts(IReadOnlyDictionary<string, int> counts)
    {
        for (int i = 0; i < steps.Length; i++)
            steps[i] = counts.TryGetValue(gradients.Parameters[i].Path, out int n) ? n : throw new ArgumentException($"no step count of {gradients.Parameters[i].Path}", nameof(counts));
    }

    public void Dispose()
    {
        gradients.Consumer = null;
        states.Dispose();
        foreach (var view in (ReadOnlySpan<View>)[scalars, squares, norm, factor])
            view.Block.Release();
    }

    private void Consume(int i)
    {
        device.Run(new ReduceCall(Flat(gradients.Of(gradients.Parameters[i])), squares.Slice(0, i, 1), 0, Reduction.SumOfSquares));
        Update(i);
    }

    private void Update(int i)
    {
        var parameter = gradients.Parameters[i];
        ref readonly UpdateSettings numbers = ref settings[groupOf[i]];
        var (first, second) = rule.Corrections(numbers, ++steps[i]);
        var table = scalars.Select(0, i);
        device.Write<double>(table.Slice(0, 0, 3), [rates[groupOf[i]], first, second]);
        device.Run(new CopyCall(factor, table.Slice(0, 3, 1)));
        rule.Run(Flat(parameter.Value.View), Flat(gradients.Of(parameter)), states[i], states.Levels, table, numbers);
    }

    private static View Flat(in View view) => view.Reshape(new Shape(checked((int)view.Elements)));
}
