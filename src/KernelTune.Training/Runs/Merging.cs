using System.Text.Json.Nodes;
using KernelTune.Autograd;
using KernelTune.Checkpoints;
using KernelTune.Devices;
using KernelTune.Kernels.Numerics;
using KernelTune.Methods;
using KernelTune.Models;
using KernelTune.Modules;

namespace KernelTune.Training.Runs;

/// <summary>Writes a model with its adapter merged in (W + s·B·A) as a Hugging Face folder, and says how far its logits have moved.</summary>
public static class Merging
{
    /// <summary>A larger model is written in shards of at most this many bytes.</summary>
    public const long ShardBytes = 5_000_000_000;

    private const int ProbeTokens = 64;

    /// <summary>The base's own 16-bit type, F32 for F32, BF16 for a quantised base.</summary>
    public static WeightFormat FormatFor(IWeightSource weights) => weights.NativeDType switch
    {
        "F16" => WeightFormats.F16,
        "F32" or "F64" => WeightFormats.F32,
        _ => WeightFormats.BF16,
    };

    /// <summary>Merges, saves, opens what was saved, and compares its logits with those of base and adapter.</summary>
    /// <param name="model">The base: a folder, a file or org/name.</param>
    /// <param name="adapter">The adapter's folder.</param>
    /// <param name="output">The new folder.</param>
    /// <param name="device">Where both are run.</param>
    /// <param name="format">How weights are stored; null: <see cref="FormatFor"/> of the base.</param>
    /// <param name="probes">Token sequences whose logits are compared; null: one spread over the vocabulary.</param>
    /// <param name="note">Told what a user should know.</param>
    /// <param name="shardBytes">The most bytes of a shard.</param>
    /// <param name="cancellation">Ends the loading.</param>
    /// <exception cref="CheckpointException">Base or adapter cannot be used, or the base is read from <paramref name="output"/> itself.</exception>
    /// <exception cref="CheckpointStorageException">The output cannot be written, or holds something else.</exception>
    public static (WeightFormat Format, LogitDrift Drift) Run(string model, string adapter, string output, Device device, WeightFormat? format = null,
        IReadOnlyList<int[]>? probes = null, Action<string>? note = null, long shardBytes = ShardBytes, CancellationToken cancellation = default)
    {
        List<float[]> adapted;
        int vocabulary;
        using (var loaded = LoadedModel.Open(model, adapter, device, note, cancellation))
        {
            string full = Path.GetFullPath(output) + Path.DirectorySeparatorChar;
            if (loaded.Source.Weights.Files.FirstOrDefault(f => Path.GetFullPath(f).StartsWith(full, StringComparison.Ordinal)) is { } own)
                throw new CheckpointException(output, $"it holds the base's own weights, {CheckpointException.Quote(own)}; another folder wanted");
            if (loaded.Method?.WhyUnmergeable is { } why)
                throw new MethodException($"{adapter}: {why}");
            format ??= FormatFor(loaded.Source.Weights);
            probes ??= [Probe(loaded)];
            vocabulary = loaded.Model.VocabularySize;
            adapted = Logits(loaded, probes);
            Save(loaded, output, format, shardBytes);
        }
        using var merged = LoadedModel.Open(output, null, device, note, cancellation);
        return (format, LogitDrift.Between(adapted, Logits(merged, probes), vocabulary));
    }

    /// <summary>
    /// Saves base and adapter as one model into <paramref name="folder"/>, atomically. Where LoRA sits on a tied table or its head, the two part: the head is written under its own name
    /// and tie_word_embeddings is false.
    /// </summary>
    public static void Save(LoadedModel loaded, string folder, WeightFormat format, long shardBytes = ShardBytes)
    {
        using var target = AtomicFolder.Begin(folder);
        var config = (JsonObject)JsonNode.Parse(loaded.Model.Config.Root.GetRawText())!;
        config.Remove("torch_dtype");
        config.Remove("quantization_config");
        config["dtype"] = format == WeightFormats.F16 ? "float16" : format == WeightFormats.F32 ? "float32" : "bfloat16";
        if (Parts(loaded))
            config["tie_word_embeddings"] = false;
        target.Write("config.json", SortedJson.Bytes(config));
        ShardedSafetensorsWriter.Write(target, Tensors(loaded, format), shardBytes);
        foreach (var (name, bytes) in loaded.Text.Tokenizer.Files)
            target.Write(name, bytes);
        string generation = Path.Combine(loaded.Source.Folder, "generation_config.json");
        if (File.Exists(generation))
            target.Copy(generation, "generation_config.json");
        target.Commit();
    }

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

    private static bool Parts(LoadedModel loaded) => loaded.Model.IsTied && loaded.Method is { } method
        && (method.Changes(loaded.Model.Head.Weight, loaded.Model.Head.Path) || method.Changes(loaded.Model.TokenTable.Weight, loaded.Model.TokenTable.Path));

    private static IEnumerable<TensorToSave> Tensors(LoadedModel loaded, WeightFormat format)
    {
        foreach (var parameter in loaded.Model.SavedParameters())
        {
            string name = loaded.Model.CheckpointKeys(parameter).First();
            if (parameter.StoredType == DType.I64)
            {
                yield return CheckpointWriter.Counts(parameter, name);
                continue;
            }
            yield return Tensor(loaded, parameter, name, format);
            if (Parts(loaded) && ReferenceEquals(parameter, loaded.Model.Head.Weight))
                yield return Tensor(loaded, parameter, $"{loaded.Model.Head.Path}.weight", format);
        }
    }

    // Merged where the module of that name is adapted, as it is in memory where it trained, else a few rows at a time from the base's file.
    private static TensorToSave Tensor(LoadedModel loaded, Parameter parameter, string name, WeightFormat format)
    {
        long[] shape = [.. parameter.Shape.ToArray().Select(n => (long)n)];
        string path = name == $"{loaded.Model.Head.Path}.weight" ? loaded.Model.Head.Path : parameter.Path[..Math.Max(0, parameter.Path.LastIndexOf('.'))];
        if (loaded.Method is { } method && method.Changes(parameter, path))
            return new TensorToSave(name, format, shape, sink => sink.Write(method.Merged(parameter, path)));
        if (!parameter.Trainable && loaded.Model.CheckpointKeys(parameter).FirstOrDefault(k => loaded.Source.Weights.TryGet(k, out _)) is { } stored)
            return TensorToSave.Copy(loaded.Source.Weights, stored, format, name);
        return new TensorToSave(name, format, shape, sink =>
        {
            var numbers = new float[parameter.Shape.Elements];
            parameter.Read(numbers);
            sink.Write(numbers);
        });
    }

    // Ids spread over the vocabulary: the same for the same model, whatever its tokenizer.
    private static int[] Probe(LoadedModel loaded)
    {
        int count = Math.Min(ProbeTokens, loaded.Model.MaxPositions);
        return [.. Enumerable.Range(0, count).Select(i => (int)((i + 1) * 7919L % loaded.Model.VocabularySize))];
    }
}
