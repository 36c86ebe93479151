using System.Text.Json.Nodes;
using KernelTune.Autograd;
using KernelTune.Checkpoints;
using KernelTune.Data.Pictures;
using KernelTune.Devices;
using KernelTune.Kernels.Numerics;
using KernelTune.Methods;
using KernelTune.Modules;

namespace KernelTune.Training.Runs;

/// <summary>Writes a classifier of pictures with its adapter merged in as a Hugging Face folder, and says how far its logits have moved.</summary>
public static class ClassifierMerging
{
    private const int Probes = 8, ProbeEdge = 32;

    /// <summary>Merges, saves, opens what was saved, and compares its logits with those of base and adapter on pictures of noise.</summary>
    /// <param name="model">The base's folder.</param>
    /// <param name="adapter">The adapter's folder.</param>
    /// <param name="output">The new folder.</param>
    /// <param name="device">Where both are run.</param>
    /// <param name="format">How weights are stored; null: as the base stores them, in 16 bits at least.</param>
    /// <param name="note">Told what a user should know.</param>
    /// <param name="cancellation">Ends the loading.</param>
    /// <exception cref="CheckpointException">Base or adapter cannot be used, or the base is read from <paramref name="output"/> itself.</exception>
    /// <exception cref="MethodException">The adapter cannot be merged.</exception>
    public static (WeightFormat Format, LogitDrift Drift) Run(string model, string adapter, string output, Device device, WeightFormat? format = null, Action<string>? note = null, CancellationToken cancellation = default)
    {
        float[] adapted;
        int classes;
        using (var loaded = LoadedClassifier.Open(model, adapter, device, note, cancellation))
        {
            string full = Path.GetFullPath(output) + Path.DirectorySeparatorChar;
            if (loaded.Weights.Files.FirstOrDefault(f => Path.GetFullPath(f).StartsWith(full, StringComparison.Ordinal)) is { } own)
                throw new CheckpointException(output, $"it holds the base's own weights, {CheckpointException.Quote(own)}; another folder wanted");
            if (loaded.Method?.WhyUnmergeable is { } why)
                throw new MethodException($"{adapter}: {why}");
            format ??= Merging.FormatFor(loaded.Weights);
            classes = loaded.Model.Labels;
            adapted = Logits(loaded);
            Save(loaded, output, format);
        }
        using var merged = LoadedClassifier.Open(output, null, device, note, cancellation);
        return (format, LogitDrift.Between([adapted], [Logits(merged)], classes));
    }

    private static void Save(LoadedClassifier loaded, string folder, WeightFormat format)
    {
        using var target = AtomicFolder.Begin(folder);
        var config = (JsonObject)JsonNode.Parse(loaded.Model.Config.Root.GetRawText())!;
        config.Remove("torch_dtype");
        config["dtype"] = format == WeightFormats.F16 ? "float16" : format == WeightFormats.F32 ? "float32" : "bfloat16";
        target.Write("config.json", SortedJson.Bytes(config));
        ShardedSafetensorsWriter.Write(target, Tensors(loaded, format), Merging.ShardBytes);
        target.Copy(loaded.PreprocessorFile, PreprocessorConfig.FileName);
        target.Commit();
    }

    private static IEnumerable<TensorToSave> Tensors(LoadedClassifier loaded, WeightFormat format)
    {
        foreach (var parameter in loaded.Model.SavedParameters())
        {
            string name = loaded.Model.CheckpointKeys(parameter).First(), path = parameter.Path[..Math.Max(0, parameter.Path.LastIndexOf('.'))];
            if (parameter.StoredType == DType.I64)
            {
                yield return CheckpointWriter.Counts(parameter, name);
                continue;
            }
            long[] shape = [.. parameter.Shape.ToArray().Select(n => (long)n)];
            yield return new TensorToSave(name, format, shape, sink =>
            {
                if (loaded.Method is { } method && method.Changes(parameter, path))
                {
                    sink.Write(method.Merged(parameter, path));
                    return;
                }
                var numbers = new float[parameter.Shape.Elements];
                parameter.Read(numbers);
                sink.Write(numbers);
            });
        }
    }

    private static float[] Logits(LoadedClassifier loaded)
    {
        using var session = new Session(loaded.Device) { Recording = false };
        using var scope = session.Enter();
        var (height, width) = loaded.Processor.Settings.FixedSize ?? (ProbeEdge, ProbeEdge);
        var shape = new Shape(Probes, loaded.Model.Channels, height, width);
        var noise = new float[shape.Elements];
        uint state = 1;
        for (int i = 0; i < noise.Length; i++)
        {
            state = (state * 1664525) + 1013904223;
            noise[i] = (state >> 8) / 8388608f - 1;
        }
        var logits = loaded.Model.Call(new PictureInput(session.Upload<float>(noise, shape, session.Real)));
        var numbers = new float[logits.View.Elements];
        loaded.Device.Read<float>(logits.View, numbers);
        return numbers;
    }
}
