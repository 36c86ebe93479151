using KernelTune.Autograd;
using KernelTune.Checkpoints;
using KernelTune.Devices;
using KernelTune.Kernels.Numerics;
using KernelTune.Methods;
using KernelTune.Models;
using KernelTune.Modules;

namespace KernelTune.Training.Runs;

/// <summary>Writes a language model with its adapter merged in (W + s·B·A) as a Hugging Face folder, and says how far its logits have moved.</summary>
public static class Merging
{
    /// <summary>A larger model is written in shards of at most this many bytes.</summary>
    public const long ShardBytes = 5_000_000_000;

    private const int ProbeTokens = 64;

    /// <summary>Merges, saves, opens what was saved, and compares its logits with those of base and adapter.</summary>
    /// <param name="model">The base: a folder, a file or org/name.</param>
    /// <param name="adapter">The adapter's folder.</param>
    /// <param name="output">The new folder.</param>
    /// <param name="device">Where both are run.</param>
    /// <param name="format">How weights are stored; null: as the base stores them, F32 or its 16-bit type; BF16 for a quantised base.</param>
    /// <param name="probes">Token sequences whose logits are compared; null: one spread over the vocabulary.</param>
    /// <param name="note">Told what a user should know.</param>
    /// <param name="shardBytes">The most bytes of a shard.</param>
    /// <param name="cancellation">Ends the loading.</param>
    /// <exception cref="CheckpointException">Base or adapter cannot be used, or the base is read from <paramref name="output"/> itself.</exception>
    /// <exception cref="CheckpointStorageException">The output cannot be written, or holds something else.</exception>
    /// <exception cref="MethodException">The adapter cannot be merged.</exception>
    public static (WeightFormat Format, LogitDrift Drift) Run(string model, string adapter, string output, Device device, WeightFormat? format = null,
        IReadOnlyList<int[]>? probes = null, Action<string>? note = null, long shardBytes = ShardBytes, CancellationToken cancellation = default) =>
        MergedFolder.Run<LoadedModel, CausalLanguageModel>((from, with) => LoadedModel.Open(from, with, device, note, cancellation), model, adapter, output, format,
            loaded => Logits(loaded, probes ?? [Probe(loaded)]), shardBytes);

    /// <summary>Logits [tokens, vocabulary] of each sequence, without a tape.</summary>
    public static List<float[]> Logits(LoadedModel loaded, IReadOnlyList<int[]> sequences)
    {
        using var session = new Session(loaded.Device) { Recording = false };
        var all = new List<float[]>();
        foreach (int[] ids in sequences)
        {
            using var scope = session.Enter();
            // An encoder-decoder reads the sequence on both sides.
            var input = new TokenInput(session.Upload<int>(ids, new Shape(1, ids.Length), DType.I64));
            input = input with { Source = (loaded.Model as EncoderDecoder)?.Encode(input) };
            var logits = loaded.Model.Logits(loaded.Model.Call(input));
            var numbers = new float[logits.View.Elements];
            loaded.Device.Read<float>(logits.View, numbers);
            all.Add(numbers);
        }
        return all;
    }

    // Ids spread over the vocabulary: the same for the same model, whatever its tokenizer.
    private static int[] Probe(LoadedModel loaded)
    {
        int count = Math.Min(ProbeTokens, loaded.Model.MaxPositions);
        return [.. Enumerable.Range(0, count).Select(i => (int)((i + 1) * 7919L % loaded.Model.VocabularySize))];
    }
}
