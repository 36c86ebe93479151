using KernelTune.Autograd;
using KernelTune.Conformance.Checks;
using KernelTune.Data;
using KernelTune.Training;
using KernelTune.Training.Tasks;
using KernelTune.Training.Optimizers;
using KernelTune.Training.Optimizers.ParameterGroups;

namespace KernelTune.Conformance.Families;

/// <summary>Trains a model as a case trained, with the engine's own step, optimizer and schedules.</summary>
internal static class GoldenTrainer
{
    /// <summary>Trains to the end.</summary>
    /// <param name="model">The model, with what trains.</param>
    /// <param name="how">The case's settings; its groups name tensors as the case's files do.</param>
    /// <param name="steps">How many steps are run.</param>
    /// <param name="microBatches">The micro-batches of a step.</param>
    /// <param name="parameterOf">The parameter behind a tensor's name.</param>
    /// <param name="final">What the parameters are afterwards, by the names of the case's files.</param>
    /// <param name="afterStep">Called with a step's number when it is done: its gradients stand still.</param>
    /// <returns>The curve, and the optimizer's states by parameter path: "exp_avg.PATH" …</returns>
    /// <exception cref="NotSupportedException">Micro-batches' means are averaged.</exception>
    public static (ComputedTrajectory Trajectory, IReadOnlyDictionary<string, ComputedTensor> State) Train(
        ModelOnDevice model, GoldenTraining how, int steps, Func<int, IReadOnlyList<IBatch>> microBatches, Func<string, Parameter?> parameterOf,
        Func<IReadOnlyDictionary<string, ComputedTensor>> final, Action<int>? afterStep = null)
    {
        if (!how.NormaliseByTokens && how.Accumulate > 1)
            throw new NotSupportedException("the mean of micro-batches' means: a step divides by all its labels");
        ParameterGroup[] groups = [.. how.Groups.Select(g => g with { Parameters = [.. g.Parameters.Select(parameterOf).OfType<Parameter>().Select(p => p.Path).Distinct()] })];
        List<double> losses = [], norms = [];
        List<double[]> rates = [];
        using var session = new Session(model.Device, model.Gradients);
        using var optimizer = new Optimizer(model.Gradients!, groups, how.Optimizer, how.ClipNorm ?? 0);
        using var training = new TrainingStep(LanguageTask.Of(model.Model), model.Model, session, optimizer);
        for (int step = 0; step < steps; step++)
        {
            rates.Add([.. how.Groups.Select(g => how.Schedule.Rate(step, g.LearningRate))]);
            training.Run(step, microBatches(step), rates[^1]);
            (double loss, double norm) = training.Read(step);
            losses.Add(loss);
            norms.Add(norm);
            afterStep?.Invoke(step);
        }

        var state = optimizer.State().ToDictionary(s => s.Name, s => ModelOnDevice.Numbers(s.View), StringComparer.Ordinal);
        return (new ComputedTrajectory(losses, norms, rates, final()), state);
    }

    /// <summary>A case's batch as the engine's own.</summary>
    /// <param name="tensors">By the names of the forward's arguments.</param>
    /// <param name="apart">Whether an encoder reads the ids and a decoder says the labels.</param>
    /// <exception cref="NotSupportedException">A tensor that a batch has no place for.</exception>
    public static Batch Batch(IReadOnlyDictionary<string, GoldenTensor> tensors, bool apart = false)
    {
        foreach (string name in tensors.Keys)
            if (name is not ("input_ids" or "attention_mask" or "labels"))
                throw new NotSupportedException($"the input {name}");
        GoldenTensor ids = tensors["input_ids"], labels = tensors["labels"];
        int[]? mask = tensors.TryGetValue("attention_mask", out GoldenTensor? m) ? Ints(m) : null;
        if (apart)
        {
            return new Batch
            {
                Rows = ids.Shape[0],
                Columns = labels.Shape[1],
                InputIds = Ints(labels),
                Labels = Ints(labels),
                Source = new SourceColumns(ids.Shape[1], Ints(ids), mask ?? [.. Enumerable.Repeat(1, ids.Count)]),
                Tokens = (mask?.Sum() ?? ids.Count) + labels.Count,
            };
        }
        return new Batch
        {
            Rows = ids.Shape[0],
            Columns = ids.Shape[1],
            InputIds = Ints(ids),
            Labels = Ints(labels),
            AttentionMask = mask,
            Tokens = mask?.Sum() ?? ids.Count,
        };
    }

    private static int[] Ints(GoldenTensor tensor) => Array.ConvertAll(tensor.Integers(), v => checked((int)v));
}
