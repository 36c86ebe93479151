using KernelTune.Checkpoints;
using KernelTune.Devices;
using KernelTune.Methods;
using KernelTune.Models;

namespace KernelTune.Training.Runs;

/// <summary>A model on a device, with an adapter or without, ready to be asked.</summary>
public sealed class LoadedModel : IDisposable
{
    private readonly HuggingFaceFolder _source;

    private LoadedModel(HuggingFaceFolder source, Device device, CausalLanguageModel model, IMethod? method) =>
        (_source, Device, Model, Method, Text) = (source, device, model, method, TextTools.Open(source.Folder, source.Gguf));

    public Device Device { get; }

    public CausalLanguageModel Model { get; }

    /// <summary>The adapter's method; null: the base alone.</summary>
    public IMethod? Method { get; }

    public TextTools Text { get; }

    public HuggingFaceFolder Source => _source;

    /// <summary>Tokens that end an answer: those of generation_config.json and config.json, and the tokenizer's own.</summary>
    public IReadOnlyList<int> EndTokens
    {
        get
        {
            SortedSet<int> ends = [];
            foreach (JsonSettings? settings in (JsonSettings?[])[_source.GenerationConfig, _source.Config])
                if (settings?.Has("eos_token_id") == true && settings.Root.GetProperty("eos_token_id") is var end)
                    ends.UnionWith(end.ValueKind == System.Text.Json.JsonValueKind.Array ? end.EnumerateArray().Select(e => e.GetInt32()) : [end.GetInt32()]);
            if (Text.Tokenizer.EosId is { } eos) ends.Add(eos);
            return [.. ends];
        }
    }

    /// <summary>The base and the adapter that a command line names: an adapter's folder alone names its base itself.</summary>
    /// <exception cref="CheckpointException">The adapter's configuration names no base.</exception>
    public static (string Base, string? Adapter) Find(string model, string? adapter)
    {
        if (adapter is not null || !File.Exists(Path.Combine(model, AdapterFolder.ConfigName))) return (model, adapter);
        using AdapterFolder folder = AdapterFolder.Open(model);
        return (folder.Config.StringOrNull("base_model_name_or_path") ?? folder.Config.StringOrNull("model_name")
            ?? throw folder.Config.Bad("base_model_name_or_path", "missing: give the base model, and the adapter with --adapter"), model);
    }

    /// <summary>Opens a model and loads its weights.</summary>
    /// <param name="model">A folder, a file or org/name.</param>
    /// <param name="adapter">An adapter's folder; null: none.</param>
    /// <param name="device">Where the weights go.</param>
    /// <param name="note">Told what a user should know.</param>
    /// <param name="cancellation">Ends the loading.</param>
    /// <exception cref="CheckpointException">The base or the adapter cannot be used, or the adapter is of another base.</exception>
    /// <exception cref="MethodException">The adapter asks for something that is not built.</exception>
    public static LoadedModel Open(string model, string? adapter, Device device, Action<string>? note = null, CancellationToken cancellation = default)
    {
        HuggingFaceFolder source = HuggingFaceFolder.Open(model);
        CausalLanguageModel? built = null;
        try
        {
            using AdapterFolder? folder = adapter is null ? null : AdapterFolder.Open(adapter);
            built = ModelRegistry.CausalLanguageModel(folder is null ? source.Config : AdapterMethods.Amend(source.Config, folder.Config));
            IMethod? method = folder is null ? null : AdapterMethods.Attach(built, built.ModelType, folder.Config, note);
            foreach (string extra in ModelWeights.Load(built, source.Weights, device, cancellation: cancellation))
                note?.Invoke($"{source.Weights.Location}: {CheckpointException.Quote(extra)} is no weight of {built.Architecture} and was left out");
            if (method is not null && folder is not null)
                foreach (string extra in method.Load(device, folder))
                    note?.Invoke($"{folder.Weights.Location}: {CheckpointException.Quote(extra)} is not of this adapter and was left out");
            return new LoadedModel(source, device, built, method);
        }
        catch
        {
            if (built is not null) Free(built);
            source.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        Free(Model);
        _source.Dispose();
    }

    private static void Free(CausalLanguageModel model)
    {
        foreach (var parameter in model.AllParameters()) parameter.Dispose();
    }
}
