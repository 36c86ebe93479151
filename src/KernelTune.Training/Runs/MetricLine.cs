using System.Text.Json;
using System.Text.Json.Serialization;
using KernelTune.Training.Tasks;

namespace KernelTune.Training.Runs;

/// <summary>A line of metrics.jsonl: a step or an evaluation.</summary>
public sealed record MetricLine
{
    public int Step { get; init; }

    public double? Epoch { get; init; }

    public double? Loss { get; init; }

    public double? LearningRate { get; init; }

    public double? GradNorm { get; init; }

    public double? EvalLoss { get; init; }

    public double? TestLoss { get; init; }

    public double? Seconds { get; init; }

    /// <summary>What the task counts and measures besides, by name: "tokens", "eval_perplexity", "test_accuracy" …</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? More { get; set; }

    /// <summary>This line with a count.</summary>
    public MetricLine With(string name, long count) => With([new(name, JsonSerializer.SerializeToElement(count, LineJson.Default.Int64))]);

    /// <summary>This line with figures, their names after <paramref name="prefix"/>. The loss has a place of its own.</summary>
    public MetricLine With(string prefix, IReadOnlyList<Figure> figures) =>
        With(figures.Where(f => f.Name != "loss").Select(f => KeyValuePair.Create(prefix + f.Name, JsonSerializer.SerializeToElement(f.Value, LineJson.Default.Double))));

    private MetricLine With(IEnumerable<KeyValuePair<string, JsonElement>> more) => this with { More = new Dictionary<string, JsonElement>((More ?? new Dictionary<string, JsonElement>()).Concat(more)) };
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(MetricLine))]
[JsonSerializable(typeof(long))]
[JsonSerializable(typeof(double))]
internal sealed partial class LineJson : JsonSerializerContext;
