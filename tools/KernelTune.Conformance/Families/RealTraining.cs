using System.Text.Json;
using KernelTune.Autograd;
using KernelTune.Checkpoints;
using KernelTune.Conformance.Checks;
using KernelTune.Data;
using KernelTune.Devices;
using KernelTune.Kernels.Numerics;
using KernelTune.Methods;
using KernelTune.Training;
using KernelTune.Training.Tasks;
using KernelTune.Training.Recipes;
using KernelTune.Training.Optimizers.ParameterGroups;
using KernelTune.Training.Schedules;

namespace KernelTune.Conformance.Families;

/// <summary>A pretrained model's training, all of it or LoRA: curves, evaluation before and after, gradients of the first step, weights after the last.</summary>
internal static class RealTraining
{
    public static IEnumerable<Finding> Run(string path, JsonElement json, string modelFolder, string device)
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(path, "trajectory.json")));
        JsonElement curve = document.RootElement.Clone();
        GoldenTraining how = Settings(json.GetProperty("training"));
        var batches = new GoldenTensors(Path.Combine(path, "batches.safetensors"));
        Batch[] training = Batches(batches, "batch"), evaluation = Batches(batches, "eval");

        Lora? lora = null;
        using AdapterFolder? adapter = json.GetProperty("kind").GetString() is "lora" or "qlora" ? AdapterFolder.Open(AdapterPath(path, json)) : null;
        using ModelOnDevice model = ModelOnDevice.Open(modelFolder, device, m =>
        {
            if (adapter is null)
                return m.BaseParameters();
            lora = Lora.Attach(m, m.ModelType, Plain(adapter));
            return lora.Trainable;
        }, Quantization(json));
        lora?.Load(model.Device, adapter!.Weights);
        model.MarkAllLoaded();

        Dictionary<string, FloatError> errors = Errors(curve.GetProperty("float32"));
        foreach (JsonProperty error in json.GetProperty("float32_error").EnumerateObject())
            errors.TryAdd(error.Name, FloatError.Read(error.Value));
        var check = new GoldenCheck(device, errors);
        check.Exact<long>("trainable_parameters", [model.Gradients!.Parameters.Sum(p => p.Shape.Elements)], [json.GetProperty("trainable_parameters").GetInt64()]);
        if (json.TryGetProperty("quantization", out JsonElement quantized))
            Quantized(check, model, new GoldenTensors(Path.Combine(path, "expected.safetensors")), quantized);
        Batch BatchOf(int step) => training[curve.GetProperty("batch")[step].GetInt32()];
        if (device == "reference")
        {
            FirstStep(check, model, curve, BatchOf(0));
            model.CheckNothingIsHeld(check);
            return [check.Finding() with { Detail = "the first step: " + check.Finding().Detail }];
        }

        double before = Evaluation(model, evaluation);
        ParameterGroup all = how.Groups[0] with { Parameters = [.. model.Gradients.Parameters.Select(p => p.Path)] };
        var byPath = model.Gradients.Parameters.ToDictionary(p => p.Path, StringComparer.Ordinal);
        var (ours, _) = GoldenTrainer.Train(model, how with { Groups = [all] }, how.Steps, step => [BatchOf(step)], byPath.GetValueOrDefault,
            () => lora is not null ? AdaptersFamily.ReadBack(lora.ToSave()) : Samples(model, json), step => GradientNorms(check, model, curve, step));
        check.Trajectory<double>("losses", ours.Losses.ToArray(), Numbers(curve, "losses"));
        check.Trajectory<double>("grad_norms", ours.GradientNorms.ToArray(), Numbers(curve, "grad_norms"));
        check.Within("learning_rates", ours.Rates.Select(r => r[0]).ToArray(), Numbers(curve, "learning_rates"), 1e-9, 1e-15);
        check.Trajectory<double>("eval_loss", [before, Evaluation(model, evaluation)], Numbers(curve, "eval_loss"));
        Final(check, path, ours);
        model.CheckNothingIsHeld(check);
        return [check.Finding()];
    }

    private static QuantizationSettings? Quantization(JsonElement json)
    {
        if (!json.TryGetProperty("quantization", out JsonElement how))
            return null;
        if (how.GetProperty("type").GetString() is not ("nf4" or "fp4"))
            throw new NotSupportedException($"quantization {how.GetProperty("type")}");
        return new QuantizationSettings(how.GetProperty("type").GetString() == "nf4" ? BaseStorageKind.Nf4 : BaseStorageKind.Fp4, how.GetProperty("double_quant").GetBoolean(), how.GetProperty("blocksize").GetInt32());
    }

    /// <summary>The codes of one weight, and what the quantised base says: its adapter starts with B zero.</summary>
    private static void Quantized(GoldenCheck check, ModelOnDevice model, GoldenTensors expected, JsonElement how)
    {
        string sample = how.GetProperty("sample").GetString()!;
        WeightInfo info = model.Folder.Weights.Get(sample);
        QuantizationSettings settings = new(how.GetProperty("type").GetString() == "nf4" ? BaseStorageKind.Nf4 : BaseStorageKind.Fp4);
        FourBitWeight codes = FourBitWeight.Quantize(settings.Type == BaseStorageKind.Nf4 ? FourBitType.Nf4 : FourBitType.Fp4, model.Folder.Weights.ReadF32(sample), info.Shape, how.GetProperty("blocksize").GetInt32());
        check.Exact("sample.packed", codes.Packed, expected["sample.packed"].Bytes);
        check.Tensor<float>("sample.absmax", codes.AbsMax, expected["sample.absmax"]);
        for (int i = 0; expected.Has($"prompt.{i}.input_ids"); i++)
        {
            GoldenTensor ids = expected[$"prompt.{i}.input_ids"];
            ComputedTensor logits = model.Logits(new Dictionary<string, GoldenTensor> { ["input_ids"] = ids.Reshaped(1, ids.Shape[0]) });
            int vocabulary = expected[$"prompt.{i}.last_logits"].Shape[0];
            check.Tensor<double>($"prompt.{i}.last_logits", logits.Values.AsSpan(logits.Values.Length - vocabulary), expected[$"prompt.{i}.last_logits"]);
        }
    }

    private static string AdapterPath(string path, JsonElement json) => json.TryGetProperty("adapter_from", out JsonElement from) && from.ValueKind == JsonValueKind.String
        ? Path.Combine(Path.GetDirectoryName(path)!, from.GetString()!)
        : path;

    private static LoraConfig Plain(AdapterFolder adapter)
    {
        LoraConfig config = LoraConfigJson.Read(adapter.Config, []);
        return config.BeyondPlain(fresh: false) is { Count: > 0 } beyond ? throw new NotSupportedException(string.Join(", ", beyond)) : config;
    }

    private static GoldenTraining Settings(JsonElement training)
    {
        string optimizer = training.GetProperty("optimizer").GetString()!;
        if (optimizer != "adamw")
            throw new NotSupportedException($"the optimizer {optimizer}");
        int steps = training.GetProperty("steps").GetInt32();
        int warmup = training.TryGetProperty("warmup_steps", out JsonElement w) ? w.GetInt32() : 0;
        string kind = training.TryGetProperty("schedule", out JsonElement s) ? s.GetString()! : "constant";
        double clip = training.GetProperty("clip_grad_norm").GetDouble();
        return new GoldenTraining
        {
            Steps = steps,
            Groups = [new ParameterGroup("all", training.GetProperty("lr").GetDouble(), training.GetProperty("weight_decay").GetDouble(), [])],
            Optimizer = new OptimizerSettings { Beta1 = training.GetProperty("betas")[0].GetDouble(), Beta2 = training.GetProperty("betas")[1].GetDouble(), Eps = training.GetProperty("eps").GetDouble() },
            ClipNorm = clip > 0 ? clip : null,
            Schedule = new ScheduleSettings { Type = kind == "constant" && warmup > 0 ? "constant_with_warmup" : kind, WarmupSteps = warmup }.Create(steps),
        };
    }

    private static Batch[] Batches(GoldenTensors all, string kind)
    {
        List<Batch> batches = [];
        for (int i = 0; all.Has($"{kind}.{i}.input_ids"); i++)
        {
            string prefix = $"{kind}.{i}.";
            batches.Add(GoldenTrainer.Batch(all.ByName.Where(t => t.Key.StartsWith(prefix, StringComparison.Ordinal)).ToDictionary(t => t.Key[prefix.Length..], t => t.Value)));
        }

        return [.. batches];
    }

    private static Dictionary<string, FloatError> Errors(JsonElement strays)
    {
        Dictionary<string, FloatError> errors = new(StringComparer.Ordinal);
        foreach (JsonProperty series in strays.EnumerateObject())
        {
            if (series.Value.TryGetProperty("max_abs", out _))
                errors[series.Name] = FloatError.Read(series.Value);
            else
                foreach (JsonProperty tensor in series.Value.EnumerateObject())
                    errors[$"{series.Name}.{tensor.Name}"] = FloatError.Read(tensor.Value);
        }

        return errors;
    }

    /// <summary>One pass forward and backward, without an update.</summary>
    private static void FirstStep(GoldenCheck check, ModelOnDevice model, JsonElement curve, Batch batch)
    {
        using (var session = new Session(model.Device, model.Gradients) { Training = true })
        {
            model.Gradients!.Clear();
            var (input, targets) = BatchUpload.Of(session, batch);
            Tensor loss = model.Model.Loss(input, targets);
            check.Trajectory<double>("losses", [ModelOnDevice.Numbers(loss.View).Values[0]], Numbers(curve, "losses").AsSpan(0, 1));
            session.Backward(loss);
        }

        double norm = Math.Sqrt(model.Gradients.Parameters.Where(model.Gradients.Reached).Sum(p => SquareOf(model.Gradients.Of(p))));
        check.Trajectory<double>("grad_norms", [norm], Numbers(curve, "grad_norms").AsSpan(0, 1));
        GradientNorms(check, model, curve, 0);
    }

    private static double Evaluation(ModelOnDevice model, Batch[] batches)
    {
        using var session = new Session(model.Device);
        return Evaluator.Judge(new CausalLmTask(), model.Model, session, batches).Loss.Mean;
    }

    private static void GradientNorms(GoldenCheck check, ModelOnDevice model, JsonElement curve, int step)
    {
        if (step > 0 || !curve.TryGetProperty("first_gradient_norms", out JsonElement norms))
            return;
        var byKey = model.Keys.ToDictionary(p => p.Value, p => p.Key, StringComparer.Ordinal);
        check.Names("the gradients of the first step", byKey.Keys, norms.EnumerateObject().Select(n => n.Name));
        foreach (JsonProperty norm in norms.EnumerateObject())
            if (byKey.TryGetValue(norm.Name, out Parameter? parameter))
                check.Trajectory<double>("first_gradient_norms." + norm.Name, [Math.Sqrt(SquareOf(model.Gradients!.Of(parameter)))], [norm.Value.GetDouble()]);
    }

    private static double SquareOf(in View gradient)
    {
        if (gradient.Type == Kernels.Numerics.DType.F64)
            return ModelOnDevice.Numbers(gradient).Values.Sum(g => g * g);
        var values = new float[gradient.Elements];
        gradient.Device.Read<float>(gradient, values);
        return values.Sum(g => (double)g * g);
    }

    /// <summary>The first rows of some weights, as the case names them.</summary>
    private static Dictionary<string, ComputedTensor> Samples(ModelOnDevice model, JsonElement json) =>
        json.GetProperty("samples").EnumerateObject().ToDictionary(
            s => s.Name, s => ModelOnDevice.Numbers(model.Keys.First(k => k.Value == s.Name).Key.Value.View.Slice(0, 0, s.Value.GetInt32())), StringComparer.Ordinal);

    private static void Final(GoldenCheck check, string path, ComputedTrajectory ours)
    {
        string adapter = Path.Combine(path, "final", AdapterFolder.WeightsName), samples = Path.Combine(path, "expected.safetensors");
        Dictionary<string, GoldenTensor> expected = File.Exists(adapter)
            ? new GoldenTensors(adapter).ByName.ToDictionary(StringComparer.Ordinal)
            : new GoldenTensors(samples).ByName.Where(t => t.Key.StartsWith("final.", StringComparison.Ordinal)).ToDictionary(t => t.Key["final.".Length..], t => t.Value);
        // The curve and the logits are all that the case of a quantised base keeps.
        if (expected.Count == 0)
            return;
        check.Names("what is trained", ours.Final.Keys, expected.Keys);
        foreach (var (name, tensor) in expected)
            if (ours.Final.TryGetValue(name, out ComputedTensor? computed))
                check.Trajectory<double>("final." + name, computed.Values, tensor.Doubles());
    }

    private static double[] Numbers(JsonElement json, string key) => [.. json.GetProperty(key).EnumerateArray().Select(e => e.GetDouble())];
}
