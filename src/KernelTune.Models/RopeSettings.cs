using KernelTune.Checkpoints;
using KernelTune.Modules;

namespace KernelTune.Models;

/// <summary>
/// Rotary settings in both spellings: rope_parameters (Transformers 5), or rope_theta and rope_scaling (before). As there, original_max_position_embeddings outside of them comes first.
/// </summary>
internal static class RopeSettings
{
    public static RopeParameters Read(JsonSettings config, double defaultTheta, int headDim, int maxPositions)
    {
        var p = config.Object("rope_scaling") ?? config.Object("rope_parameters");
        double theta = p?.DoubleOrNull("rope_theta") ?? config.Double("rope_theta", defaultTheta);
        if (p is null)
            return new RopeParameters { Theta = theta, PartialRotaryFactor = config.Double("partial_rotary_factor", 1) };
        var parameters = new RopeParameters
        {
            Type = p.StringOrNull("rope_type") ?? p.StringOrNull("type") ?? "default",
            Theta = theta,
            PartialRotaryFactor = p.DoubleOrNull("partial_rotary_factor") ?? config.Double("partial_rotary_factor", 1),
            Factor = p.DoubleOrNull("factor"),
            OriginalMaxPositionEmbeddings = config.DoubleOrNull("original_max_position_embeddings") ?? p.DoubleOrNull("original_max_position_embeddings"),
            AttentionFactor = p.DoubleOrNull("attention_factor"),
            LowFreqFactor = p.Double("low_freq_factor", 1),
            HighFreqFactor = p.Double("high_freq_factor", 4),
            BetaFast = p.Double("beta_fast", 32),
            BetaSlow = p.Double("beta_slow", 1),
            Truncate = p.Bool("truncate", true),
            Mscale = p.DoubleOrNull("mscale"),
            MscaleAllDim = p.DoubleOrNull("mscale_all_dim"),
            ShortFactor = p.Has("short_factor") ? p.Doubles("short_factor") : [],
            LongFactor = p.Has("long_factor") ? p.Doubles("long_factor") : [],
        };
        try
        {
            RopeFrequencies.Of(parameters, headDim, maxPositions, 1);
        }
        catch (ArgumentException e)
        {
            throw config.Bad(config.Has("rope_scaling") ? "rope_scaling" : "rope_parameters", e.Message);
        }
        return parameters;
    }
}
