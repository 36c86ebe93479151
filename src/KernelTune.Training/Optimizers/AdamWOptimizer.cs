using KernelTune.Autograd;
using KernelTune.Devices;
using KernelTune.Devices.Calls;
using KernelTune.Devices.Memory;
using KernelTune.Kernels.Numerics;
using KernelTune.Training.Optimizers.ParameterGroups;

namespace KernelTune.Training.Optimizers;

/// <summary>
/// AdamW over arenas (Loshchilov and Hutter, 2019), with PyTorch's arithmetic and its clipping by the global norm. Moments are segments of one arena each, with a step count a
/// parameter; a parameter that the backward did not reach is left as it is. Rate, bias corrections and clip factor go to the device as numbers of a table: no call waits for the host.
/// </summary>
public sealed class AdamWOptimizer : IDisposable
{
    private const int ScalarsPerGroup = 4;

    private readonly Device device;
    private readonly GradientStore gradients;
    private readonly AdamWSettings[] settings;
    private readonly ParameterGroup[] groups;
    private readonly int[] groupOf;
    private readonly int[] steps;
    private readonly View[] first;
    private readonly View[] second;
    private readonly Block firstArena;
    private readonly Block secondArena;
    private readonly View scalars;
    private readonly View squares;
    private readonly View norm;
    private readonly View factor;
    private readonly double maxNorm;

    /// <param name="gradients">The parameters and their gradients.</param>
    /// <param name="groups">Every parameter's path in exactly one group.</param>
    /// <param name="beta1">β₁.</param>
    /// <param name="beta2">β₂.</param>
    /// <param name="eps">Added after the square root.</param>
    /// <param name="maxNorm">The greatest global norm; 0: none.</param>
    /// <exception cref="ArgumentException">A parameter is in no group.</exception>
    public AdamWOptimizer(GradientStore gradients, IReadOnlyList<ParameterGroup> groups, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8, double maxNorm = 0)
    {
        this.gradients = gradients;
        this.groups = [.. groups];
        this.maxNorm = maxNorm;
        device = gradients.Device;
        settings = [.. groups.Select(g => new AdamWSettings(beta1, beta2, eps, g.WeightDecay))];
        var parameters = gradients.Parameters.ToArray();
        var byName = groups.SelectMany((g, i) => g.Parameters.Select(name => (name, i))).ToDictionary(p => p.name, p => p.i, StringComparer.Ordinal);
        groupOf = [.. parameters.Select(p => byName.TryGetValue(p.Path, out int i) ? i : throw new ArgumentException($"{p.Path} is in no parameter group", nameof(groups)))];
        steps = new int[parameters.Length];
        (first, second) = (new View[parameters.Length], new View[parameters.Length]);
        Arena.Lay(device, parameters, Category.OptimizerState, out firstArena, first);
        Arena.Lay(device, parameters, Category.OptimizerState, out secondArena, second);
        foreach (var view in first.Concat(second))
            device.Run(new FillCall(view, 0));
        scalars = device.Allocate(new Shape(parameters.Length, ScalarsPerGroup), device.Real, Category.OptimizerState);
        squares = device.Allocate(new Shape(parameters.Length), DType.F64, Category.OptimizerState);
        norm = device.Allocate(new Shape(1), device.Real, Category.OptimizerState);
        factor = device.Allocate(new Shape(1), device.Real, Category.OptimizerState);
    }

    /// <summary>The groups, in order.</summary>
    public IReadOnlyList<ParameterGroup> Groups => groups;

    /// <summary>The global norm of the last step's gradients before clipping: one element on the device.</summary>
    public View GradientNorm => norm;

    /// <summary>One update of every parameter that was reached.</summary>
    /// <param name="rates">The learning rate of each group.</param>
    public void Step(ReadOnlySpan<double> rates)
    {
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
        Span<double> row = stackalloc double[ScalarsPerGroup];
        for (int i = 0; i < parameters.Count; i++)
        {
            if (!gradients.Reached(parameters[i]))
                continue;
            int group = groupOf[i];
            int step = ++steps[i];
            row[0] = rates[group];
            row[1] = 1 - Math.Pow(settings[group].Beta1, step);
            row[2] = 1 - Math.Pow(settings[group].Beta2, step);
            var table = scalars.Select(0, i);
            device.Write<double>(table.Slice(0, 0, 3), row[..3]);
            device.Run(new CopyCall(factor, table.Slice(0, 3, 1)));
            device.Run(new AdamWCall(Flat(parameters[i].Value.View), Flat(gradients.Of(parameters[i])), Flat(first[i]), Flat(second[i]), table, settings[group]));
        }
    }

    /// <summary>The state by name: "exp_avg.PATH" and "exp_avg_sq.PATH" in the parameter's shape.</summary>
    public IEnumerable<(string Name, View View)> State()
    {
        for (int i = 0; i < gradients.Parameters.Count; i++)
        {
            yield return ($"exp_avg.{gradients.Parameters[i].Path}", first[i]);
            yield return ($"exp_avg_sq.{gradients.Parameters[i].Path}", second[i]);
        }
    }

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
        firstArena.Release();
        secondArena.Release();
        foreach (var view in (ReadOnlySpan<View>)[scalars, squares, norm, factor])
            view.Block.Release();
    }

    private static View Flat(in View view) => view.Reshape(new Shape(checked((int)view.Elements)));
}
