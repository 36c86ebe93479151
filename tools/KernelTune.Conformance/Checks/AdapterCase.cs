using System.Text.Json;

namespace KernelTune.Conformance.Checks;

/// <summary>One folder of adapters/: an adapter on a base, its passes, its merged weights and twelve steps of training.</summary>
public sealed class AdapterCase
{
    private readonly JsonElement trajectory;

    /// <param name="folder">The case's folder.</param>
    public AdapterCase(string folder)
    {
        Folder = folder;
        Json = Read("case.json");
        Inputs = new GoldenTensors(Path.Combine(folder, "inputs.safetensors"));
        Expected = new GoldenTensors(Path.Combine(folder, "expected.safetensors"));
        Run = new GoldenRun(Expected, Json, Inputs);
        Dictionary<string, FloatError> errors = FloatError.ReadAll(Json.GetProperty("float32_error"));
        if (File.Exists(Path.Combine(folder, "trajectory.json")))
        {
            trajectory = Read("trajectory.json");
            JsonElement strays = trajectory.GetProperty("float32");
            errors["losses"] = FloatError.Read(strays.GetProperty("losses"));
            errors["grad_norms"] = FloatError.Read(strays.GetProperty("grad_norms"));
            foreach (JsonProperty p in strays.GetProperty("final").EnumerateObject())
                errors["final." + p.Name] = FloatError.Read(p.Value);
        }

        Errors = errors;
    }

    public string Folder { get; }

    public JsonElement Json { get; }

    /// <summary>"adapter", "bitfit", "bottleneck" or "weighted-adapters".</summary>
    public string Kind => Json.GetProperty("kind").GetString()!;

    /// <summary>The folder of the base model.</summary>
    public string BaseFolder => Path.Combine(Path.GetDirectoryName(Folder)!, "bases", Json.GetProperty("base").GetString()!);

    public GoldenTensors Inputs { get; }

    public GoldenTensors Expected { get; }

    public IReadOnlyDictionary<string, FloatError> Errors { get; }

    /// <summary>Compares a pass with the adapter on.</summary>
    public GoldenRun Run { get; }

    /// <summary>A fresh judge of this case.</summary>
    public GoldenCheck NewCheck(string device) => new(device, Errors);

    /// <summary>How it trained.</summary>
    /// <exception cref="NotSupportedException">A setting that is not built.</exception>
    public GoldenTraining Training() => GoldenTraining.OfAdapter(Json.GetProperty("training"));

    /// <summary>The tensors of the batch that step <paramref name="step"/> uses, by the names of the inputs.</summary>
    public IReadOnlyDictionary<string, GoldenTensor> Batch(int step)
    {
        batches ??= new GoldenTensors(Path.Combine(Folder, "batches.safetensors"));
        string prefix = FormattableString.Invariant($"batch.{trajectory.GetProperty("batch")[step].GetInt32()}.");
        return batches.Names.Where(n => n.StartsWith(prefix, StringComparison.Ordinal)).ToDictionary(n => n[prefix.Length..], n => batches[n], StringComparer.Ordinal);
    }

    private GoldenTensors? batches;

    /// <summary>Compares the number of parameters that train.</summary>
    public void CompareCounts(GoldenCheck check, long trainable) =>
        check.Exact<long>("trainable_parameters", [trainable], [Json.GetProperty("trainable_parameters").GetInt64()]);

    /// <summary>Compares the weights that merging changed, by the names of the base's file; the others must not be among them.</summary>
    public void CompareMerged(GoldenCheck check, IReadOnlyDictionary<string, ComputedTensor> changed, ComputedTensor logits)
    {
        var merged = new GoldenTensors(Path.Combine(Folder, "merged.safetensors"));
        check.Names("the merged weights", changed.Keys, merged.Names);
        foreach (string name in merged.Names)
            if (changed.TryGetValue(name, out ComputedTensor? ours))
                check.Tensor<double>("merged." + name, ours.Values, ours.Shape, merged[name]);
        Run.Compare(check, "merged_logits", logits);
    }

    /// <summary>Compares the curve, the rates and the adapter after the last step.</summary>
    public void CompareTrajectory(GoldenCheck check, ComputedTrajectory ours, ComputedTensor? finalLogits = null)
    {
        check.Trajectory<double>("losses", ours.Losses.ToArray(), Numbers("losses"));
        check.Trajectory<double>("grad_norms", ours.GradientNorms.ToArray(), Numbers("grad_norms"));
        double[] rates = [.. trajectory.GetProperty("learning_rates").EnumerateArray().SelectMany(e => e.ValueKind == JsonValueKind.Array ? e.EnumerateArray().Select(r => r.GetDouble()) : [e.GetDouble()])];
        bool several = trajectory.GetProperty("learning_rates")[0].ValueKind == JsonValueKind.Array;
        check.Within("learning_rates", several ? [.. ours.Rates.SelectMany(r => r)] : [.. ours.Rates.Select(r => r[0])], rates, 1e-9, 1e-15);

        var final = new GoldenTensors(Path.Combine(Folder, Kind switch
        {
            "bitfit" => "final.safetensors",
            "bottleneck" => "final/adapter.safetensors",
            _ => "final/adapter_model.safetensors",
        }));
        check.Names("the final adapter", ours.Final.Keys, final.Names);
        foreach (string name in final.Names)
            if (ours.Final.TryGetValue(name, out ComputedTensor? tensor))
                check.Trajectory<double>("final." + name, tensor.Values, final[name].Doubles());
        if (finalLogits is not null)
            check.Trajectory<double>("final_logits", finalLogits.Values, Expected["final_logits"].Doubles());
    }

    /// <summary>Compares the encoder of a prompt after the last step, where the case has one.</summary>
    public void CompareEncoder(GoldenCheck check, IReadOnlyDictionary<string, ComputedTensor> ours)
    {
        string file = Path.Combine(Folder, "final", "prompt_encoder.safetensors");
        if (ours.Count == 0 || !File.Exists(file))
            return;
        var final = new GoldenTensors(file);
        check.Names("the final encoder", ours.Keys, final.Names);
        foreach (string name in final.Names)
            if (ours.TryGetValue(name, out ComputedTensor? tensor))
                check.Trajectory<double>("final encoder " + name, tensor.Values, final[name].Doubles());
    }

    private double[] Numbers(string key) => [.. trajectory.GetProperty(key).EnumerateArray().Select(e => e.GetDouble())];

    private JsonElement Read(string file)
    {
        using JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Folder, file)));
        return json.RootElement.Clone();
    }
}
