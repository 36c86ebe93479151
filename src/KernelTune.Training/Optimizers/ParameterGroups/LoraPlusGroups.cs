namespace KernelTune.Training.Optimizers.ParameterGroups;

/// <summary>LoRA+ (Hayou et al., 2024): B learns faster than A by a ratio. The groups of PEFT's create_loraplus_optimizer.</summary>
public static class LoraPlusGroups
{
    /// <summary>PEFT's rate for LoRA on embeddings.</summary>
    public const double DefaultEmbeddingRate = 1e-6;

    /// <summary>Four groups: A, embedding, B, and B without decay.</summary>
    /// <param name="parameters">The parameters; names as in an adapter file or with an adapter's name inside.</param>
    /// <param name="learningRate">The rate of A and of everything else with two dimensions and more.</param>
    /// <param name="ratio">B's rate over A's; 1 or more.</param>
    /// <param name="weightDecay">The decay of all groups but the last.</param>
    /// <param name="embeddingRate">The rate of LoRA on embeddings.</param>
    /// <remarks>One-dimensional parameters go with B; what is named bias or belongs to a LayerNorm does not decay there.</remarks>
    public static IReadOnlyList<ParameterGroup> Of(
        IEnumerable<TrainableParameter> parameters, double learningRate, double ratio, double weightDecay = 0, double embeddingRate = DefaultEmbeddingRate)
    {
        ILookup<Kind, string> kinds = parameters.ToLookup(KindOf, p => p.Name);
        double fast = learningRate * ratio;
        return
        [
            new("lora_A", learningRate, weightDecay, [.. kinds[Kind.A]]),
            new("lora_embedding", embeddingRate, weightDecay, [.. kinds[Kind.Embedding]]),
            new("lora_B", fast, weightDecay, [.. kinds[Kind.B]]),
            new("lora_B_no_decay", fast, 0, [.. kinds[Kind.BWithoutDecay]]),
        ];
    }

    private enum Kind
    {
        A,
        Embedding,
        B,
        BWithoutDecay,
    }

    private static Kind KindOf(TrainableParameter p)
    {
        if (p.Name.Contains("lora_embedding_", StringComparison.Ordinal))
            return Kind.Embedding;
        if (!p.Name.Contains("lora_B", StringComparison.Ordinal) && p.Dimensions != 1)
            return Kind.A;
        return p.InLayerNorm || p.Name.Contains("bias", StringComparison.Ordinal) ? Kind.BWithoutDecay : Kind.B;
    }
}
