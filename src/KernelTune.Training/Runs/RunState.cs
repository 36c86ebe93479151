using System.Text.Json;
using System.Text.Json.Serialization;
using KernelTune.Checkpoints;
using KernelTune.Devices.Memory;

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

    /// <summary>The last step after which the validation rows were judged; −1: none.</summary>
    public int EvaluatedStep { get; init; } = -1;

    public double? FirstEvaluation { get; init; }

    public double? LastEvaluation { get; init; }

    public double? BestEvaluation { get; init; }

    public int BestStep { get; init; }

    /// <summary>Evaluations since the best one.</summary>
    public int Stale { get; init; }

    /// <summary>SHA-256 of the run's data, as <see cref="KernelTune.Data.ITrainingData.Fingerprint"/> has it.</summary>
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
        if (state is null)
            throw new CheckpointException(file, "not a run's state: null was found, an object wanted");
        if (state.Format > CurrentFormat)
            throw new CheckpointException(file, $"format {state.Format} is newer than {CurrentFormat}, the newest that this version reads");
        return state;
    }
}

[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
[JsonSerializable(typeof(RunState))]
[JsonSerializable(typeof(PlanFile))]
[JsonSerializable(typeof(RunFile))]
internal sealed partial class RunJson : JsonSerializerContext;

/// <summary>plan.json and ledger.json: bytes by category at the peak, predicted and measured.</summary>
/// <param name="PeakByCategory">Bytes by the category's label.</param>
/// <param name="Peak">Their sum.</param>
/// <param name="Touched">Bytes of the pool's segments, its gaps included.</param>
/// <param name="ResidentBefore">Bytes resident before the model was loaded.</param>
/// <param name="Resident">The process's peak: predicted, <paramref name="ResidentBefore"/> and <paramref name="Touched"/>.</param>
public sealed record PlanFile(IReadOnlyDictionary<string, long> PeakByCategory, long Peak, long Touched, long ResidentBefore, long Resident)
{
    internal static PlanFile Of(IReadOnlyList<long> byCategory, long peak, long touched, long residentBefore, long resident) =>
        new(Enum.GetValues<Category>().Where(c => byCategory[(int)c] > 0).ToDictionary(c => c.Label(), c => byCategory[(int)c]), peak, touched, residentBefore, resident);
}

/// <summary>run.json: what made this run.</summary>
public sealed record RunFile(int Format, string Version, string Commit, string Started, string Machine, string Runtime, string Device, string BaseSha256, string DataSha256, string RecipeSha256);
