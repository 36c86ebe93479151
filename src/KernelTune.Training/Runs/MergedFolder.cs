using System.Text.Json.Nodes;
using KernelTune.Autograd;
using KernelTune.Checkpoints;
using KernelTune.Kernels.Numerics;
using KernelTune.Methods;
using KernelTune.Models;

namespace KernelTune.Training.Runs;

/// <summary>Base and adapter as one model in a Hugging Face folder, whatever kind of model it is.</summary>
internal static class MergedFolder
{
    /// <summary>Merges, saves, opens what was saved, and compares its logits with those of base and adapter.</summary>
    /// <param name="open">Opens a model, with the adapter or without.</param>
    /// <param name="model">The base.</param>
    /// <param name="adapter">The adapter's folder.</param>
    /// <param name="output">The new folder.</param>
    /// <param name="format">How weights are stored; null: <see cref="FormatFor"/> of the base.</param>
    /// <param name="logits">Logits of the same probes for whatever was opened.</param>
    /// <param name="shardBytes">The most bytes of a file of weights.</param>
    /// <exception cref="CheckpointException">Base or adapter cannot be used, or the base is read from <paramref name="output"/> itself.</exception>
    /// <exception cref="MethodException">The adapter cannot be merged.</exception>
    public static (WeightFormat Format, LogitDrift Drift) Run<TLoaded, TModel>(Func<string, string?, TLoaded> open, string model, string adapter, string output, WeightFormat? format,
        Func<TLoaded, List<float[]>> logits, long shardBytes)
        where TLoaded : LoadedPretrained<TModel>
        where TModel : class, IPretrainedModel
    {
        List<float[]> adapted;
        int width;
        using (var loaded = open(model, adapter))
        {
            string full = Path.GetFullPath(output) + Path.DirectorySeparatorChar;
            if (loaded.Source.Weights.Files.FirstOrDefault(f => Path.GetFullPath(f).StartsWith(full, StringComparison.Ordinal)) is { } own)
                throw new CheckpointException(output, $"it holds the base's own weights, {CheckpointException.Quote(own)}; another folder wanted");
            if (loaded.Method?.WhyUnmergeable is { } why)
                throw new MethodException($"{adapter}: {why}");
            format ??= FormatFor(loaded.Source.Weights);
            width = loaded.Model.Head.OutFeatures;
            adapted = logits(loaded);
            Save(loaded, output, format, shardBytes);
        }
        using var merged = open(output, null);
        return (format, LogitDrift.Between(adapted, logits(merged), width));
    }

    /// <summary>
    /// Saves base and adapter as one model into <paramref name="folder"/>, atomically. Where an adapter sits on a tied table or its head, the two part: the head is written under its own name
    /// and tie_word_embeddings is false.
    /// </summary>
    public static void Save<TModel>(LoadedPretrained<TModel> loaded, string folder, WeightFormat format, long shardBytes)
        where TModel : class, IPretrainedModel
    {
        using var target = AtomicFolder.Begin(folder);
        var config = (JsonObject)JsonNode.Parse(loaded.Model.Config.Root.GetRawText())!;
        config.Remove("torch_dtype");
        config.Remove("quantization_config");
        config["dtype"] = format == WeightFormats.F16 ? "float16" : format == WeightFormats.F32 ? "float32" : "bfloat16";
        bool parts = Parts(loaded);
        if (parts)
            config["tie_word_embeddings"] = false;
        target.Write("config.json", SortedJson.Bytes(config));
        ShardedSafetensorsWriter.Write(target, Tensors(loaded, format, parts), shardBytes);
        foreach (var (name, bytes) in loaded.SideFiles)
            target.Write(name, bytes);
        target.Commit();
    }

    /// <summary>The base's own 16-bit type, F32 for F32, BF16 for a quantised base.</summary>
    public static WeightFormat FormatFor(IWeightSource weights) => weights.NativeDType switch
    {
        "F16" => WeightFormats.F16,
        "F32" or "F64" => WeightFormats.F32,
        _ => WeightFormats.BF16,
    };

    private static bool Parts<TModel>(LoadedPretrained<TModel> loaded)
        where TModel : class, IPretrainedModel =>
        loaded is { Model: CausalLanguageModel { IsTied: true } model, Method: { } method }
            && !method.ChangesAlike(model.Head.Weight)
            && (method.Changes(model.Head.Weight, model.Head.Path) || method.Changes(model.TokenTable.Weight, model.TokenTable.Path));

    private static IEnumerable<TensorToSave> Tensors<TModel>(LoadedPretrained<TModel> loaded, WeightFormat format, bool parts)
        where TModel : class, IPretrainedModel
    {
        foreach (var parameter in loaded.Model.Root.SavedParameters())
        {
            string name = loaded.Model.CheckpointKeys(parameter).First();
            if (parameter.StoredType == DType.I64)
            {
                yield return CheckpointWriter.Counts(parameter, name);
                continue;
            }
            yield return Tensor(loaded, parameter, name, format);
            if (parts && ReferenceEquals(parameter, loaded.Model.Head.Weight))
                yield return Tensor(loaded, parameter, $"{loaded.Model.Head.Path}.weight", format);
        }
    }

    // Merged where the module of that name is adapted; as it is in memory where it trained, and statistics always; else a few rows at a time from the base's file.
    private static TensorToSave Tensor<TModel>(LoadedPretrained<TModel> loaded, Parameter parameter, string name, WeightFormat format)
        where TModel : class, IPretrainedModel
    {
        long[] shape = [.. parameter.Shape.ToArray().Select(n => (long)n)];
        string head = loaded.Model.Head.Path, path = name == $"{head}.weight" ? head : parameter.Path[..Math.Max(0, parameter.Path.LastIndexOf('.'))];
        if (loaded.Method is { } method && method.Changes(parameter, path))
            return new TensorToSave(name, format, shape, sink => sink.Write(method.Merged(parameter, path)));
        if (parameter is { Trainable: false, IsBuffer: false } && loaded.Model.CheckpointKeys(parameter).FirstOrDefault(k => loaded.Weights.TryGet(k, out _)) is { } stored)
            return TensorToSave.Copy(loaded.Weights, stored, format, name);
        return new TensorToSave(name, format, shape, sink =>
        {
            var numbers = new float[parameter.Shape.Elements];
            parameter.Read(numbers);
            sink.Write(numbers);
        });
    }
}
