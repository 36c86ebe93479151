using System.Text.Json.Nodes;
using KernelTune.Autograd;
using KernelTune.Checkpoints;
using KernelTune.Devices;
using KernelTune.Kernels.Numerics;
using KernelTune.Modules;

namespace KernelTune.Cli.Models;

/// <summary>Writes a model with its adapter merged in as a Hugging Face folder, and says how far its logits have moved.</summary>
internal static class AdapterMerge
{
    private const int ProbeTokens = 64;

    /// <summary>The base's own 16-bit type, F32 for F32, BF16 for a quantised base.</summary>
    public static WeightFormat FormatFor(IWeightSource weights) => weights.NativeDType switch
    {
        "F16" => WeightFormats.F16,
        "F32" or "F64" => WeightFormats.F32,
        _ => WeightFormats.BF16,
    };

    /// <summary>Saves base and adapter as one model into <paramref name="folder"/>, atomically.</summary>
    public static void Save(LoadedModel loaded, string folder, WeightFormat format)
    {
        using AtomicFolder target = AtomicFolder.Begin(folder);
        var config = (JsonObject)JsonNode.Parse(loaded.Source.Config.Root.GetRawText())!;
        config.Remove("torch_dtype");
        config["dtype"] = format == WeightFormats.F16 ? "float16" : format == WeightFormats.F32 ? "float32" : "bfloat16";
        target.Write("config.json", SortedJson.Bytes(config));
        target.WriteSafetensors("model.safetensors", Tensors(loaded, format), new Dictionary<string, string> { ["format"] = "pt" });
        foreach (var (name, path) in loaded.Source.TokenizerFiles) target.Copy(path, name);
        string generation = Path.Combine(loaded.Source.Folder, "generation_config.json");
        if (File.Exists(generation)) target.Copy(generation, "generation_config.json");
        target.Commit();
    }

    /// <summary>Logits [tokens, vocabulary] of a fixed text, without a tape.</summary>
    public static float[] ProbeLogits(LoadedModel loaded)
    {
        int[] ids = Probe(loaded);
        using var session = new Session(loaded.Device) { Recording = false };
        Tensor logits = loaded.Model.Logits(loaded.Model.Call(new TokenInput(session.Upload<int>(ids, new Shape(1, ids.Length), DType.I64))));
        var numbers = new float[logits.View.Elements];
        loaded.Device.Read<float>(logits.View, numbers);
        return numbers;
    }

    /// <summary>How far <paramref name="merged"/> is from <paramref name="adapted"/>.</summary>
    public static LogitDrift Drift(float[] adapted, float[] merged, int vocabulary)
    {
        double most = 0, sum = 0;
        int same = 0, rows = adapted.Length / vocabulary;
        for (int row = 0; row < rows; row++)
        {
            ReadOnlySpan<float> a = adapted.AsSpan(row * vocabulary, vocabulary), b = merged.AsSpan(row * vocabulary, vocabulary);
            for (int i = 0; i < vocabulary; i++)
            {
                double difference = Math.Abs((double)a[i] - b[i]);
                most = Math.Max(most, difference);
                sum += difference;
            }
            if (Greatest(a) == Greatest(b)) same++;
        }
        return new LogitDrift(most, sum / adapted.Length, rows, same);
    }

    private static IEnumerable<TensorToSave> Tensors(LoadedModel loaded, WeightFormat format)
    {
        var merged = loaded.Lora!.Merged().ToDictionary(m => m.Base, m => m.Merged);
        foreach (Parameter parameter in loaded.Model.BaseParameters())
        {
            string name = loaded.Model.CheckpointKeys(parameter).First();
            string stored = loaded.Model.CheckpointKeys(parameter).FirstOrDefault(k => loaded.Source.Weights.TryGet(k, out _)) ?? name;
            if (!merged.TryGetValue(parameter, out float[]? numbers) && !parameter.Trainable)
            {
                yield return TensorToSave.Copy(loaded.Source.Weights, stored, format, name);
                continue;
            }
            if (numbers is null)
            {
                numbers = new float[parameter.Shape.Elements];
                parameter.Read(numbers);
            }
            float[] values = numbers;
            yield return new TensorToSave(name, format, [.. parameter.Shape.ToArray().Select(n => (long)n)], sink => sink.Write(values));
        }
    }

    // Ids spread over the vocabulary: the same for the same model, whatever its tokenizer.
    private static int[] Probe(LoadedModel loaded)
    {
        int count = Math.Min(ProbeTokens, loaded.Model.MaxPositions);
        return [.. Enumerable.Range(0, count).Select(i => (int)((i + 1) * 7919L % loaded.Model.VocabularySize))];
    }

    private static int Greatest(ReadOnlySpan<float> row)
    {
        int best = 0;
        for (int i = 1; i < row.Length; i++)
            if (row[i] > row[best])
                best = i;
        return best;
    }
}

/// <summary>What rounding the merged weights did to the logits of a probe text.</summary>
/// <param name="Most">The greatest absolute difference.</param>
/// <param name="Mean">The mean absolute difference.</param>
/// <param name="Positions">Positions compared.</param>
/// <param name="SameToken">Positions where the likeliest token is still the same.</param>
internal readonly record struct LogitDrift(double Most, double Mean, int Positions, int SameToken);
