using System.Text.RegularExpressions;

namespace KernelTune.Training.Optimizers.ParameterGroups;

/// <summary>Weight decay for everything but biases and norms, as the Hugging Face Trainer groups parameters.</summary>
public static partial class DecayGroups
{
    /// <summary>Two groups: those that decay, and those that do not.</summary>
    public static IReadOnlyList<ParameterGroup> Of(IEnumerable<TrainableParameter> parameters, double learningRate, double weightDecay)
    {
        ILookup<bool, string> decays = parameters.ToLookup(Decays, p => p.Name);
        return [new("decay", learningRate, weightDecay, [.. decays[true]]), new("no_decay", learningRate, 0, [.. decays[false]])];
    }

    /// <summary>Whether a parameter decays: it is in no LayerNorm, and no part of its name says bias or norm.</summary>
    /// <remarks>"bias" counts anywhere in the name: T5's relative_attention_bias tables do not decay either.</remarks>
    public static bool Decays(TrainableParameter parameter) => !parameter.InLayerNorm && !BiasOrNorm().IsMatch(parameter.Name);

    [GeneratedRegex(@"bias|layernorm|rmsnorm|(?:^|\.)norm(?:$|\.)|_norm(?:$|\.)", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex BiasOrNorm();
}
