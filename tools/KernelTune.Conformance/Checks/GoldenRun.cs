using System.Text.Json;

namespace KernelTune.Conformance.Checks;

/// <summary>Holds forward and backward passes to a case's expected.safetensors: outputs, the loss, every gradient, and none beyond them.</summary>
/// <param name="expected">The case's expected.safetensors.</param>
/// <param name="json">The case's case.json.</param>
/// <param name="inputs">The case's inputs.safetensors, where its masks are.</param>
public sealed class GoldenRun(GoldenTensors expected, JsonElement json, GoldenTensors inputs)
{
    private const string GradientPrefix = "grad.";
    private readonly MaskedAxis masked = new(json.TryGetProperty("masked", out JsonElement m) ? m : default, inputs);

    /// <summary>The tensors that a pass forward yields, without those that the caller compares by another way.</summary>
    public IEnumerable<string> OutputNames => expected.Names.Where(n => n != "loss" && !n.StartsWith(GradientPrefix, StringComparison.Ordinal) && !n.StartsWith("buffer.", StringComparison.Ordinal));

    /// <summary>The names of the parameters that have a gradient.</summary>
    public IEnumerable<string> GradientNames => expected.Names.Where(n => n.StartsWith(GradientPrefix, StringComparison.Ordinal)).Select(n => n[GradientPrefix.Length..]);

    /// <summary>Compares the loss and all gradients.</summary>
    /// <param name="check">Collects what differs.</param>
    /// <param name="run">What the engine computed.</param>
    public void CompareTraining(GoldenCheck check, ComputedRun run)
    {
        check.Tensor<double>("loss", [run.Loss], expected["loss"]);
        check.Names("the gradients", run.Gradients.Keys, GradientNames);
        foreach (string name in GradientNames)
            if (run.Gradients.TryGetValue(name, out ComputedTensor? gradient))
                check.Tensor<double>(GradientPrefix + name, gradient.Values, gradient.Shape, expected[GradientPrefix + name]);
    }

    /// <summary>Compares the outputs that <paramref name="names"/> lists (null: all that are recorded); each must have been computed.</summary>
    public void CompareOutputs(GoldenCheck check, ComputedRun run, IEnumerable<string>? names = null)
    {
        foreach (string name in names ?? OutputNames)
        {
            if (run.Outputs.TryGetValue(name, out ComputedTensor? output))
                Compare(check, name, output);
            else
                check.Fail($"{name} was not computed");
        }
    }

    /// <summary>Compares one tensor of the case, where its mask lets it count.</summary>
    public void Compare(GoldenCheck check, string name, ComputedTensor ours)
    {
        GoldenTensor wanted = expected[name];
        check.Tensor<double>(name, ours.Values, ours.Shape, wanted, masked.Counted(name, wanted.Shape));
    }
}
