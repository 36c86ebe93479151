using KernelTune.Autograd;
using KernelTune.Checkpoints;
using KernelTune.Conformance.Checks;
using KernelTune.Methods;
using KernelTune.Models;

namespace KernelTune.Conformance.Families;

/// <summary>adapters/: LoRA on small models: passes with and without it, gradients, merging, twelve steps of training and the adapter they end in.</summary>
public sealed class AdaptersFamily : IFamily
{
    public string Name => "adapters";

    public bool UsesDevice => true;

    public IEnumerable<string> Cases(string folder) =>
        Directory.EnumerateFiles(folder, "case.json", new EnumerationOptions { RecurseSubdirectories = true, MaxRecursionDepth = 1 })
            .Select(f => Path.GetFileName(Path.GetDirectoryName(f))!).Order(StringComparer.Ordinal);

    public IEnumerable<Finding> Run(string folder, string name, string device)
    {
        string path = Path.Combine(folder, name);
        try
        {
            using AdapterFolder files = OpenSupported(path, out LoraConfig config);
            return Check(new AdapterCase(path), files, config, device);
        }
        catch (NotSupportedException e)
        {
            return [new Finding("", Outcome.Unsupported, e.Message)];
        }
    }

    /// <summary>The adapter of a case, if it is plain LoRA.</summary>
    private static AdapterFolder OpenSupported(string path, out LoraConfig config)
    {
        using var json = System.Text.Json.JsonDocument.Parse(File.ReadAllBytes(Path.Combine(path, "case.json")));
        string kind = json.RootElement.GetProperty("kind").GetString()!;
        if (kind != "adapter")
            throw new NotSupportedException($"kind {kind}");
        string method = json.RootElement.GetProperty("method").GetString()!;
        if (method != "LORA")
            throw new NotSupportedException(method);
        if (File.Exists(Path.Combine(path, "dequantized.safetensors")))
            throw new NotSupportedException("a base in 4 bits");

        AdapterFolder files = AdapterFolder.Open(path);
        List<string> dropped = [];
        config = LoraConfigJson.Read(files.Config, dropped);
        List<string> beyond = [.. config.BeyondPlain(fresh: false), .. dropped];
        if (config.LoraBias)
            beyond.Add("lora_bias");
        if (config.InitLoraWeights == "eva")
            beyond.Add("init_lora_weights eva");
        if (beyond.Count == 0)
            return files;
        files.Dispose();
        throw new NotSupportedException(string.Join(", ", beyond));
    }

    private static List<Finding> Check(AdapterCase golden, AdapterFolder files, LoraConfig config, string device)
    {
        List<Finding> findings = [];
        using ModelOnDevice model = OpenAdapted(golden, files, config, device, out Lora lora);
        var nameOf = lora.Tensors.GroupBy(t => t.Value).ToDictionary(g => g.Key, g => g.First().Key);
        string NameOf(Parameter parameter) => nameOf[parameter];

        GoldenCheck observed = golden.NewCheck(device);
        ComputedRun run = model.Run(golden.Inputs.ByName, observed: true, NameOf);
        golden.Run.CompareOutputs(observed, run, ["logits"]);
        golden.Run.CompareTraining(observed, run);
        golden.CompareCounts(observed, lora.Plan.TrainableParameters);
        model.CheckNothingIsHeld(observed);
        using (ModelOnDevice bare = ModelOnDevice.Open(golden.BaseFolder, device))
        {
            golden.Run.Compare(observed, "base_logits", bare.Logits(golden.Inputs.ByName));
            findings.Add(observed.Finding());

            GoldenCheck trained = golden.NewCheck(device);
            golden.Run.CompareTraining(trained, model.Run(golden.Inputs.ByName, observed: false, NameOf));
            model.CheckNothingIsHeld(trained);
            findings.Add(trained.Finding("training"));

            if (golden.Expected.Has("merged_logits"))
                findings.Add(Merged(golden, model, lora, bare, device));
        }

        GoldenCheck curve = golden.NewCheck(device);
        GoldenTraining how = golden.Training();
        var (trajectory, _) = GoldenTrainer.Train(model, how, how.Steps, step => [GoldenTrainer.Batch(golden.Batch(step))],
            name => lora.Tensors.GetValueOrDefault(name), () => Saved(lora));
        golden.CompareTrajectory(curve, trajectory, model.Logits(golden.Inputs.ByName));
        model.CheckNothingIsHeld(curve);
        findings.Add(curve.Finding("trajectory"));
        return findings;
    }

    private static ModelOnDevice OpenAdapted(AdapterCase golden, AdapterFolder files, LoraConfig config, string device, out Lora lora)
    {
        Lora? attached = null;
        ModelOnDevice model;
        try
        {
            model = ModelOnDevice.Open(golden.BaseFolder, device, m =>
            {
                attached = Lora.Attach(m, m.ModelType, config);
                return attached.Trainable;
            });
        }
        catch (MethodException e)
        {
            throw new NotSupportedException(e.Message, e);
        }

        lora = attached!;
        IReadOnlyList<string> extra = lora.Load(model.Device, files.Weights);
        if (extra.Count > 0)
            throw new InvalidDataException($"{files.Location}: the adapter has no place for {string.Join(", ", extra.Take(3))}");
        model.MarkAllLoaded();
        return model;
    }

    /// <summary>The weights that merging changes, and what a plain model with them gives.</summary>
    private static Finding Merged(AdapterCase golden, ModelOnDevice model, Lora lora, ModelOnDevice bare, string device)
    {
        var changed = new Dictionary<string, ComputedTensor>(StringComparer.Ordinal);
        var plain = bare.Model.BaseParameters().ToDictionary(p => p.Path, StringComparer.Ordinal);
        IEnumerable<(Parameter Base, float[] Merged)> whole = lora.Trainable.Where(model.Keys.ContainsKey)
            .Select(p => (p, Array.ConvertAll(ModelOnDevice.Numbers(p).Values, v => (float)v)));
        foreach (var (parameter, merged) in lora.Merged().Concat(whole))
        {
            Parameter target = plain[parameter.Path];
            if (ModelOnDevice.Numbers(target).Values.Zip(merged).All(p => p.First == p.Second))
                continue;
            changed.Add(model.Keys[parameter], ComputedTensor.Of(parameter.Shape.ToArray(), merged));
            target.Load(bare.Device, merged);
        }

        GoldenCheck check = golden.NewCheck(device);
        golden.CompareMerged(check, changed, bare.Logits(golden.Inputs.ByName));
        return check.Finding("merged");
    }

    /// <summary>The adapter as it would be saved, read back from the file's bytes.</summary>
    internal static Dictionary<string, ComputedTensor> Saved(Lora lora)
    {
        string path = Path.Combine(Path.GetTempPath(), $"kerneltune-{Guid.NewGuid():N}.safetensors");
        try
        {
            using (FileStream stream = File.Create(path))
                SafetensorsWriter.Write(stream, lora.ToSave());
            return new GoldenTensors(path).ByName.ToDictionary(t => t.Key, t => ComputedTensor.Of(t.Value), StringComparer.Ordinal);
        }
        finally
        {
            File.Delete(path);
        }
    }
}
