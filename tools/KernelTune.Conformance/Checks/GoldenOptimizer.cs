using System.Text.Json;
using KernelTune.Training.Recipes;

namespace KernelTune.Conformance.Checks;

/// <summary>A case's optimizer, by the library's name and its keyword arguments, as the engine's settings; what is not named has the library's default.</summary>
internal static class GoldenOptimizer
{
    /// <exception cref="NotSupportedException">An optimizer that is not built.</exception>
    public static OptimizerSettings Of(JsonElement optimizer) => Of(optimizer.GetProperty("name").GetString()!.ToLowerInvariant(), optimizer);

    /// <exception cref="NotSupportedException">An optimizer that is not built.</exception>
    public static OptimizerSettings Of(string name, JsonElement optimizer)
    {
        OptimizerKind kind = name switch
        {
            "adamw" => OptimizerKind.AdamW,
            "adam" => OptimizerKind.Adam,
            "lion" => OptimizerKind.Lion,
            "sgd" => OptimizerKind.Sgd,

            // bitsandbytes' Adam decouples the decay too.
            "adamw8bit" or "adam8bit" => OptimizerKind.AdamW8Bit,
            "lion8bit" => OptimizerKind.Lion8Bit,
            "momentum8bit" => OptimizerKind.Sgd8Bit,
            _ => throw new NotSupportedException($"the optimizer {name}"),
        };
        bool lion = kind is OptimizerKind.Lion or OptimizerKind.Lion8Bit;
        return new OptimizerSettings
        {
            Type = kind,
            LearningRate = Number(optimizer, "lr", 0),
            Beta1 = optimizer.TryGetProperty("betas", out JsonElement betas) ? betas[0].GetDouble() : 0.9,
            Beta2 = betas.ValueKind == JsonValueKind.Array ? betas[1].GetDouble() : lion ? 0.99 : 0.999,
            Eps = Number(optimizer, "eps", 1e-8),
            WeightDecay = Number(optimizer, "weight_decay", name is "adamw" or "adamw8bit" ? 1e-2 : 0),
            Momentum = Number(optimizer, "momentum", 0),
            Dampening = Number(optimizer, "dampening", 0),
            Nesterov = optimizer.TryGetProperty("nesterov", out JsonElement ahead) && ahead.GetBoolean(),
            Min8BitSize = (int)Number(optimizer, "min_8bit_size", 4096),
        };
    }

    /// <summary>Whether its states are in 8 bits: they round on every device.</summary>
    public static bool IsEightBit(JsonElement optimizer) => optimizer.GetProperty("name").GetString()!.EndsWith("8bit", StringComparison.OrdinalIgnoreCase);

    private static double Number(JsonElement of, string key, double otherwise) => of.TryGetProperty(key, out JsonElement value) && value.ValueKind == JsonValueKind.Number ? value.GetDouble() : otherwise;
}
