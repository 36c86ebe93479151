using System.Text.Json;
using System.Text.Json.Serialization;
using KernelTune.Checkpoints;

namespace KernelTune.Training.Runs;

/// <summary>What a run needs to go on, beside weights and optimizer moments. Written into every checkpoint.</summary>
public sealed record RunState
{
    /// <summary>The version that is written. A newer one is refused.</summary>
    public const int CurrentFormat = 1;

    public int Format { get; init; } = CurrentFormat;

    /// <summary>Steps done.</summary>
    public int Step { get; init; }

    public int Steps { get; init; }

    public long Epoch { get; init; }

    /// <summary>Rows of the epoch that have been given out.</summary>
    public long Position { get; init; }

    public long TokensSeen { get; init; }

    public double? FirstEvaluation { get; init; }

    public double? LastEvaluation { get; init; }

    public double? BestEvaluation { get; init; }

    public int BestStep { get; init; }

    /// <summary>Evaluations since the best one.</summary>
    public int Stale { get; init; }

    /// <summary>SHA-256 of the tokenized training rows.</summary>
    public string Data { get; init; } = "";

    /// <summary>The device that wrote it.</summary>
    public string Device { get; init; } = "";

    /// <summary>Updates of each parameter.</summary>
    public IReadOnlyDictionary<string, int> StepCounts { get; init; } = new Dictionary<string, int>();

    public byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(this, RunJson.Default.RunState);

    /// <summary>Reads a state.</summary>
    /// <exception cref="CheckpointException">It is no state, or of a newer format.</exception>
    public static RunState Read(string file)
    {
        RunState? state;
        try
        {
            state = JsonSerializer.Deserialize(File.ReadAllBytes(file), RunJson.Default.RunState);
        }
        catch (JsonException e)
        {
            throw new CheckpointException(file, $"not a run's state: {e.Message}");
        }
        catch (FileNotFoundException)
        {
            throw new CheckpointException(file, "the run's state is missing: the checkpoint cannot be resumed");
        }
        if (state is null || state.Format > CurrentFormat)
            throw new CheckpointException(file, $"format {state?.Format} is newer than {CurrentFormat}, the newest that this version reads");
        return state;
    }
}

[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
[JsonSerializable(typeof(RunState))]
[JsonSerializable(typeof(MetricLine))]
[JsonSerializable(typeof(PlanFile))]
[JsonSerializable(typeof(RunFile))]
internal sealed partial class RunJson : JsonSerializerContext;

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(MetricLine))]
internal sealed partial class LineJson : JsonSerializerContext;

/// <summary>A line of metrics.jsonl: a step or an evaluation.</summary>
public sealed record MetricLine
{
    public int Step { get; init; }

    public double? Epoch { get; init; }

    public double? Loss { get; init; }

    public double? LearningRate { get; init; }

    public double? GradNorm { get; init; }

    public long? Tokens { get; init; }

    public double? EvalLoss { get; init; }

    public double? EvalPerplexity { get; init; }

    public double? Seconds { get; init; }
}

/// <summary>plan.json and ledger.json: bytes by category at the peak.</summary>
public sealed record PlanFile(IReadOnlyDictionary<string, long> PeakByCategory, long Peak, long Touched, long ResidentBefore, long Resident);

/// <summary>run.json: what made this run.</summary>
public sealed record RunFile(int Format, string Version, string Commit, string Started, string Machine, string Runtime, string Device, string BaseSha256, string DataSha256, string RecipeSha256);
