using KernelTune.Autograd;
using KernelTune.Checkpoints;
using KernelTune.Conformance.Checks;
using KernelTune.Methods;
using KernelTune.Models;

namespace KernelTune.Conformance.Families;

/// <summary>adapters/: one method each on small models: passes with and without it, gradients, merging, twelve steps of training and the adapter they end in.</summary>
public sealed class AdaptersFamily : IFamily
{
    private const string PromptName = "prompt_embeddings";

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
            return Check(new AdapterCase(path), device);
        }
        catch (NotSupportedException e)
        {
            return [new Finding("", Outcome.Unsupported, e.Message)];
        }
    }

    private static List<Finding> Check(AdapterCase golden, string device)
    {
        List<Finding> findings = [];
        using CaseMethod method = CaseMethod.Open(golden, device);
        ModelOnDevice model = method.Model;

        GoldenCheck observed = golden.NewCheck(device);
        FourBitBases.Apply(golden, model, observed);
        ComputedRun run = WithPromptGradient(golden, method, model.Run(golden.Inputs.ByName, observed: true, method.NameOf), device, observed);
        golden.Run.CompareOutputs(observed, run, ["logits"]);
        golden.Run.CompareTraining(observed, run);
        golden.CompareCounts(observed, method.TrainableParameters);
        model.CheckNothingIsHeld(observed);
        using (ModelOnDevice bare = ModelOnDevice.Open(golden.BaseFolder, device))
        {
            FourBitBases.Apply(golden, bare, observed);
            if (golden.Expected.Has("base_logits"))
                golden.Run.Compare(observed, "base_logits", bare.Logits(golden.Inputs.ByName));
            findings.Add(observed.Finding());

            GoldenCheck trained = golden.NewCheck(device);
            golden.Run.CompareTraining(trained, WithPromptGradient(golden, method, model.Run(golden.Inputs.ByName, observed: false, method.NameOf), device, trained));
            model.CheckNothingIsHeld(trained);
            findings.Add(trained.Finding("training"));

            if (golden.Expected.Has("merged_logits"))
                findings.Add(Merged(golden, method, bare, device));
            if (golden.Expected.Has("merged_4bit_logits"))
                findings.Add(FourBitBases.MergedAgain(golden, method, bare, device));
        }

        GoldenCheck curve = golden.NewCheck(device);
        GoldenTraining how = golden.Training();
        var (trajectory, _) = GoldenTrainer.Train(model, how, how.Steps, step => [GoldenTrainer.Batch(golden.Batch(step), model.Model is EncoderDecoder)], method.ParameterOf, method.Saved);
        golden.CompareTrajectory(curve, trajectory, model.Logits(golden.Inputs.ByName));
        if (device == "reference")
            golden.CompareEncoder(curve, method.SavedEncoder());
        model.CheckNothingIsHeld(curve);
        findings.Add(curve.Finding("trajectory"));
        return findings;
    }

    /// <summary>
    /// With the gradient of the prompt that is saved. Where it comes out of an encoder, the saved prompt is loaded alone, as PEFT does for inference: its pass must be the same.
    /// </summary>
    private static ComputedRun WithPromptGradient(AdapterCase golden, CaseMethod method, ComputedRun run, string device, GoldenCheck check)
    {
        run = method.WithAllNames(run);
        if (!golden.Expected.Has("grad." + PromptName))
            return run;
        var gradients = run.Gradients.ToDictionary(StringComparer.Ordinal);
        if (method.Method is PrefixTuning { IsProjected: true })
        {
            using CaseMethod flat = CaseMethod.Open(golden, device, flat: true);
            ComputedRun alone = flat.Model.Run(golden.Inputs.ByName, observed: true, flat.NameOf);
            golden.Run.CompareOutputs(check, alone, ["logits"]);
            gradients.Add(PromptName, alone.Gradients.Values.Single());
        }
        else
        {
            gradients.Add(PromptName, gradients["prompt_encoder.embedding.weight"]);
        }
        return run with { Gradients = gradients };
    }

    /// <summary>The weights that merging changes, and what a plain model with them gives.</summary>
    private static Finding Merged(AdapterCase golden, CaseMethod method, ModelOnDevice bare, string device)
    {
        var changed = new Dictionary<string, ComputedTensor>(StringComparer.Ordinal);
        var plain = bare.Model.BaseParameters().ToDictionary(p => p.Path, StringComparer.Ordinal);
        foreach (var (parameter, merged) in method.Merged())
        {
            Parameter target = plain[parameter.Path];
            if (ModelOnDevice.Numbers(target).Values.Zip(merged).All(p => p.First == p.Second))
                continue;
            changed.Add(method.Model.Keys[parameter], ComputedTensor.Of(parameter.Shape.ToArray(), merged));
            // What is merged is no longer what the codes stood for.
            if (target.Storage is not null)
                target.Dispose();
            target.Storage = null;
            target.Load(bare.Device, merged);
        }

        GoldenCheck check = golden.NewCheck(device);
        golden.CompareMerged(check, changed, bare.Logits(golden.Inputs.ByName));
        return check.Finding("merged");
    }

    /// <summary>An adapter as it would be saved, read back from the file's bytes.</summary>
    internal static Dictionary<string, ComputedTensor> ReadBack(IEnumerable<TensorToSave> tensors)
    {
        string path = Path.Combine(Path.GetTempPath(), $"kerneltune-{Guid.NewGuid():N}.safetensors");
        try
        {
            using (FileStream stream = File.Create(path))
                SafetensorsWriter.Write(stream, tensors);
            return new GoldenTensors(path).ByName.ToDictionary(t => t.Key, t => ComputedTensor.Of(t.Value), StringComparer.Ordinal);
        }
        finally
        {
            File.Delete(path);
        }
    }
}
