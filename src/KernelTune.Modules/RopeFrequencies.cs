namespace KernelTune.Modules;

/// <summary>The rotary settings of a model's configuration, under their names there.</summary>
public sealed record RopeParameters
{
    /// <summary>rope_type: default, linear, dynamic, llama3, yarn, longrope.</summary>
    public string Type { get; init; } = "default";

    /// <summary>rope_theta: the base.</summary>
    public double Theta { get; init; } = 10000;

    /// <summary>partial_rotary_factor: the share of a head that is rotated.</summary>
    public double PartialRotaryFactor { get; init; } = 1;

    public double? Factor { get; init; }

    public double? OriginalMaxPositionEmbeddings { get; init; }

    public double? AttentionFactor { get; init; }

    public double LowFreqFactor { get; init; } = 1;

    public double HighFreqFactor { get; init; } = 4;

    public double BetaFast { get; init; } = 32;

    public double BetaSlow { get; init; } = 1;

    /// <summary>yarn: whether the ramp's bounds are floored and ceiled.</summary>
    public bool Truncate { get; init; } = true;

    public double? Mscale { get; init; }

    public double? MscaleAllDim { get; init; }

    public IReadOnlyList<double> ShortFactor { get; init; } = [];

    public IReadOnlyList<double> LongFactor { get; init; } = [];

    /// <summary>True where the frequencies depend on the longest position of a call.</summary>
    public bool DependsOnLength => Type is "dynamic" or "longrope";
}

/// <summary>
/// Inverse frequencies of rotary positions and the factor on cosine and sine, as Transformers computes them (modeling_rope_utils), here in double. yarn: Peng et al., 2023;
/// longrope: Ding et al., 2024.
/// </summary>
public static class RopeFrequencies
{
    /// <param name="p">The settings.</param>
    /// <param name="headDim">Channels of a head.</param>
    /// <param name="maxPositions">max_position_embeddings.</param>
    /// <param name="sequenceLength">The greatest position of the call plus one, for the types that depend on it; null: none is known.</param>
    /// <exception cref="ArgumentException">An unknown type, or a factor that is missing.</exception>
    public static (double[] InverseFrequencies, double AttentionScaling) Of(RopeParameters p, int headDim, double maxPositions, int? sequenceLength = null)
    {
        int dim = (int)(headDim * p.PartialRotaryFactor);
        return p.Type switch
        {
            "default" => (Plain(p.Theta, dim), 1),
            "linear" => (Scaled(Plain(p.Theta, dim), 1 / Needed(p.Factor, p, "factor")), 1),
            "dynamic" => (Dynamic(p, dim, maxPositions, sequenceLength), 1),
            "llama3" => (Llama3(p, dim, maxPositions), 1),
            "yarn" => Yarn(p, dim, maxPositions),
            "longrope" => LongRope(p, dim, maxPositions, sequenceLength),
            _ => throw new ArgumentException($"rope_type '{p.Type}' is not known: default, linear, dynamic, llama3, yarn or longrope"),
        };
    }

    private static double[] Plain(double theta, int dim)
    {
        var inverse = new double[dim / 2];
        for (int i = 0; i < inverse.Length; i++)
            inverse[i] = Math.Pow(theta, -2.0 * i / dim);
        return inverse;
    }

    private static double[] Scaled(double[] inverse, double factor)
    {
        for (int i = 0; i < inverse.Length; i++)
            inverse[i] *= factor;
        return inverse;
    }

    private static double[] Dynamic(RopeParameters p, int dim, double maxPositions, int? sequenceLength)
    {
        double length = Math.Max(sequenceLength ?? 0, maxPositions), factor = Needed(p.Factor, p, "factor");
        double theta = p.Theta * Math.Pow((factor * length / maxPositions) - (factor - 1), dim / (dim - 2.0));
        return Plain(theta, dim);
    }

    private static double[] Llama3(RopeParameters p, int dim, double maxPositions)
    {
        double factor = Needed(p.Factor, p, "factor"), original = p.OriginalMaxPositionEmbeddings ?? maxPositions;
        var inverse = Plain(p.Theta, dim);
        for (int i = 0; i < inverse.Length; i++)
        {
            double wavelength = 2 * Math.PI / inverse[i];
            if (wavelength < original / p.HighFreqFactor)
                continue;
            if (wavelength > original / p.LowFreqFactor)
            {
                inverse[i] /= factor;
                continue;
            }
            double smooth = ((original / wavelength) - p.LowFreqFactor) / (p.HighFreqFactor - p.LowFreqFactor);
            inverse[i] = ((1 - smooth) * inverse[i] / factor) + (smooth * inverse[i]);
        }
        return inverse;
    }

    private static (double[] Inverse, double Scaling) Yarn(RopeParameters p, int dim, double maxPositions)
    {
        double original = p.OriginalMaxPositionEmbeddings ?? maxPositions;
        double factor = p.Factor ?? (maxPositions / original);
        double scaling = p.AttentionFactor ?? (p.Mscale is { } m and not 0 && p.MscaleAllDim is { } all and not 0
            ? Mscale(factor, m) / Mscale(factor, all)
            : Mscale(factor, 1));
        double low = Correction(p.BetaFast), high = Correction(p.BetaSlow);
        if (p.Truncate)
            (low, high) = (Math.Floor(low), Math.Ceiling(high));
        (low, high) = (Math.Max(low, 0), Math.Min(high, dim - 1));
        if (low == high)
            high += 0.001;
        var inverse = Plain(p.Theta, dim);
        for (int i = 0; i < inverse.Length; i++)
        {
            double ramp = Math.Clamp((i - low) / (high - low), 0, 1);
            inverse[i] = (inverse[i] / factor * ramp) + (inverse[i] * (1 - ramp));
        }
        return (inverse, scaling);

        double Correction(double rotations) => dim * Math.Log(original / (rotations * 2 * Math.PI)) / (2 * Math.Log(p.Theta));

        static double Mscale(double scale, double m) => scale <= 1 ? 1 : (0.1 * m * Math.Log(scale)) + 1;
    }

    private static (double[] Inverse, double Scaling) LongRope(RopeParameters p, int dim, double maxPositions, int? sequenceLength)
    {
        double original = p.OriginalMaxPositionEmbeddings ?? maxPositions;
        double factor = p.Factor ?? (maxPositions / original);
        double scaling = p.AttentionFactor ?? (factor <= 1 ? 1 : Math.Sqrt(1 + (Math.Log(factor) / Math.Log(original))));
        var stretch = (sequenceLength ?? 0) > original ? p.LongFactor : p.ShortFactor;
        var inverse = Plain(p.Theta, dim);
        if (stretch.Count != inverse.Length)
            throw new ArgumentException($"longrope gives {stretch.Count} factors for {inverse.Length} frequencies");
        for (int i = 0; i < inverse.Length; i++)
            inverse[i] /= stretch[i];
        return (inverse, scaling);
    }

    private static double Needed(double? value, RopeParameters p, string key) => value ?? throw new ArgumentException($"rope_type '{p.Type}' wants {key}");
}
