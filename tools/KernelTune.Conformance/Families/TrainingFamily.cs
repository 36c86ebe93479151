using KernelTune.Autograd;
using KernelTune.Conformance.Checks;
using KernelTune.Kernels.Numerics;
using KernelTune.Models;

namespace KernelTune.Conformance.Families;

/// <summary>training/: curves of full fine-tuning, the weights they end in, the optimizer's state.</summary>
public sealed class TrainingFamily : IFamily
{
    public string Name => "training";

    public bool UsesDevice => true;

    public IEnumerable<string> Cases(string folder) =>
        Directory.EnumerateFiles(folder, "case.json", new EnumerationOptions { RecurseSubdirectories = true, MaxRecursionDepth = 1 })
            .Select(f => Path.GetFileName(Path.GetDirectoryName(f))!).Order(StringComparer.Ordinal);

    public IEnumerable<Finding> Run(string folder, string name, string device)
    {
        var golden = new TrainingCase(Path.Combine(folder, name));
        try
        {
            if (golden.Kind != "training")
                throw new NotSupportedException($"kind {golden.Kind}");
            return [Check(golden, golden.Training(), device)];
        }
        catch (NotSupportedException e)
        {
            return [new Finding("", Outcome.Unsupported, e.Message)];
        }
    }

    private static Finding Check(TrainingCase golden, GoldenTraining how, string device)
    {
        using ModelOnDevice model = ModelOnDevice.Open(golden.ModelFolder, device, m => m.BaseParameters());
        var byKey = model.Keys.ToDictionary(p => p.Value, p => p.Key, StringComparer.Ordinal);
        var (trajectory, moments) = GoldenTrainer.Train(model, how, how.Steps,
            step => [.. Enumerable.Range(step * how.Accumulate, how.Accumulate).Select(i => GoldenTrainer.Batch(golden.Batch(i), model.Model is Models.EncoderDecoder))],
            byKey.GetValueOrDefault,
            () => model.Keys.ToDictionary(p => p.Value, p => ModelOnDevice.Numbers(p.Key), StringComparer.Ordinal));

        var keyOf = model.Keys.ToDictionary(p => p.Key.Path, p => p.Value, StringComparer.Ordinal);
        var state = moments.ToDictionary(
            s => s.Key[..s.Key.IndexOf('.', StringComparison.Ordinal)] is var moment ? $"{keyOf[s.Key[(moment.Length + 1)..]]}.{moment}" : "",
            s => s.Value, StringComparer.Ordinal);
        // bitsandbytes keeps the maps beside the states.
        foreach (var (magnitudes, map, signed) in (ReadOnlySpan<(string, string, bool)>)[(".absmax1", "qmap1", true), (".absmax2", "qmap2", false)])
            if (state.Keys.Any(k => k.EndsWith(magnitudes, StringComparison.Ordinal)))
                state[map] = ComputedTensor.Of([256], CodeTables.Dynamic(signed));
        GoldenCheck check = golden.NewCheck(device);
        golden.Compare(check, device, trajectory, state);
        model.CheckNothingIsHeld(check);
        return check.Finding();
    }
}
