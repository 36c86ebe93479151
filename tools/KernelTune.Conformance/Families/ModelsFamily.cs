using System.Text.Json;
using KernelTune.Autograd;
using KernelTune.Conformance.Checks;
using KernelTune.Evaluation.Generation;
using KernelTune.Models;

namespace KernelTune.Conformance.Families;

/// <summary>models/: every output, the loss, every gradient and the buffers, observed and as training runs it; greedy continuations and beams.</summary>
public sealed class ModelsFamily : IFamily
{
    // The forward's arguments that only say what is returned, and how.
    private static readonly string[] HarmlessArguments = ["use_cache", "return_dict", "output_attentions", "output_hidden_states"];

    public string Name => "models";

    public bool UsesDevice => true;

    public IEnumerable<string> Cases(string folder) =>
        Directory.EnumerateFiles(folder, "case.json", new EnumerationOptions { RecurseSubdirectories = true, MaxRecursionDepth = 1 })
            .Select(f => Path.GetFileName(Path.GetDirectoryName(f))!).Order(StringComparer.Ordinal);

    public IEnumerable<Finding> Run(string folder, string name, string device)
    {
        var golden = new ModelCase(Path.Combine(folder, name));
        bool pictures = ModelRegistry.ImageArchitectures.Contains(golden.Kind);
        if (!pictures && !ModelRegistry.Architectures.Contains(golden.Kind))
            return [new Finding("", Outcome.Unsupported, golden.Kind)];
        if (golden.CallArguments.FirstOrDefault(a => !HarmlessArguments.Contains(a)) is { } argument)
            return [new Finding("", Outcome.Unsupported, $"the argument {argument} of the forward")];
        try
        {
            return pictures ? [.. Pictures(golden, device)] : [.. Passes(golden, device), .. Continuations(golden, device)];
        }
        catch (NotSupportedException e)
        {
            return [new Finding("", Outcome.Unsupported, e.Message)];
        }
    }

    private static IEnumerable<Finding> Passes(ModelCase golden, string device)
    {
        using ModelOnDevice model = ModelOnDevice.Open(golden.Folder, device, m => m.BaseParameters());
        string NameOf(Parameter parameter) => model.Keys[parameter];

        GoldenCheck observed = golden.NewCheck(device);
        ComputedRun run = model.Run(golden.Inputs.ByName, observed: true, NameOf, golden.TrainMode);
        golden.Run.CompareOutputs(observed, run);
        if (golden.Expected.Has("loss"))
            golden.Run.CompareTraining(observed, run);
        model.CheckNothingIsHeld(observed);
        yield return observed.Finding();

        if (!golden.Expected.Has("loss"))
            yield break;
        GoldenCheck trained = golden.NewCheck(device);
        golden.Run.CompareTraining(trained, model.Run(golden.Inputs.ByName, observed: false, NameOf, golden.TrainMode));
        model.CheckNothingIsHeld(trained);
        yield return trained.Finding("training");
    }

    // A pass in training mode changes the running statistics: each part begins with the model as it was saved.
    private static IEnumerable<Finding> Pictures(ModelCase golden, string device)
    {
        foreach (bool observed in (bool[])[true, false])
        {
            using var model = ClassifierOnDevice.Open(golden.Folder, device);
            GoldenCheck check = golden.NewCheck(device);
            ComputedRun run = model.Run(golden.Inputs.ByName, observed, golden.TrainMode);
            if (observed)
                golden.Run.CompareOutputs(check, run);
            if (golden.Expected.Has("loss"))
                golden.Run.CompareTraining(check, run);
            model.CompareBuffers(check, golden.Expected);
            model.CheckNothingIsHeld(check);
            yield return check.Finding(observed ? "" : "training");
            if (!golden.Expected.Has("loss"))
                yield break;
        }
    }

    private static IEnumerable<Finding> Continuations(ModelCase golden, string device)
    {
        string file = Path.Combine(golden.Folder, "generate.json");
        if (!File.Exists(file))
            yield break;
        using JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(file));
        bool beams = json.RootElement.TryGetProperty("num_beams", out JsonElement number) && number.GetInt32() > 1;
        using ModelOnDevice model = ModelOnDevice.Open(golden.Folder, device);
        // As far as a step's float32 logits may be off, so may its log-probabilities.
        double tolerance = golden.Errors.TryGetValue("logits", out FloatError error) ? 2 * error.Allowed(device == "reference") : 1e-4;
        foreach (bool cached in (bool[])[true, false])
        {
            string how = cached ? "" : "_without_cache";
            yield return Searched(golden, device, model, cached, "greedy" + how, (check, decoder) => GenerateJson.CompareGreedy(check, file, decoder, tolerance));
            if (beams)
                yield return Searched(golden, device, model, cached, "beams" + how, (check, decoder) => GenerateJson.CompareBeams(check, file, decoder, tolerance));
        }
    }

    private static Finding Searched(ModelCase golden, string device, ModelOnDevice model, bool cached, string part, Action<GoldenCheck, INextLogits> compare)
    {
        GoldenCheck check = golden.NewCheck(device);
        using (var decoder = cached ? new Training.Generation.CachedDecoder(model.Model, model.Device) : null)
            compare(check, decoder ?? (INextLogits)new RecomputingDecoder(model.Model, model.Device));
        model.CheckNothingIsHeld(check);
        return check.Finding(part);
    }
}
