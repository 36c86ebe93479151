using KernelTune.Checkpoints;
using KernelTune.Devices;
using KernelTune.Methods;
using KernelTune.Models;

namespace KernelTune.Training.Runs;

/// <summary>A language model on a device, with an adapter or without, ready to be asked.</summary>
public sealed class LoadedModel : LoadedPretrained<CausalLanguageModel>
{
    private LoadedModel(LoadedParts<CausalLanguageModel> parts, TextTools text)
        : base(parts)
    {
        Text = text;
        Text.Tokenizer.RequireRows(parts.Model.VocabularySize);
    }

    public TextTools Text { get; }

    /// <summary>The tokenizer's files and generation_config.json.</summary>
    public override IReadOnlyDictionary<string, ReadOnlyMemory<byte>> SideFiles
    {
        get
        {
            var files = new Dictionary<string, ReadOnlyMemory<byte>>(Text.Tokenizer.Files, StringComparer.Ordinal);
            string generation = Path.Combine(Source.Folder, "generation_config.json");
            if (File.Exists(generation)) files["generation_config.json"] = File.ReadAllBytes(generation);
            return files;
        }
    }

    /// <summary>Tokens that end an answer: those of generation_config.json and config.json, and the tokenizer's own.</summary>
    public IReadOnlyList<int> EndTokens
    {
        get
        {
            SortedSet<int> ends = [];
            foreach (JsonSettings? settings in (JsonSettings?[])[Source.GenerationConfig, Source.Config])
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

    /// <summary>Opens a model and loads its weights. An adapter whose tokenizer has more tokens than the base brings it, and the base's tables get rows for them.</summary>
    /// <param name="model">A folder, a file or org/name.</param>
    /// <param name="adapter">An adapter's folder; null: none.</param>
    /// <param name="device">Where the weights go.</param>
    /// <param name="note">Told what a user should know.</param>
    /// <param name="cancellation">Ends the loading.</param>
    /// <exception cref="CheckpointException">The base or the adapter cannot be used, or the adapter is of another base.</exception>
    /// <exception cref="MethodException">The adapter asks for something that is not built.</exception>
    /// <exception cref="Text.TokenizerException">There is no tokenizer, or it has ids that the embedding has no rows for.</exception>
    public static LoadedModel Open(string model, string? adapter, Device device, Action<string>? note = null, CancellationToken cancellation = default)
    {
        ModelVocabulary? vocabulary = null;
        return LoadedParts<CausalLanguageModel>.Open(model, adapter, device,
            (source, folder) =>
            {
                vocabulary = ModelVocabulary.Of(source.Folder, source.Gguf, source.Config, adapter);
                return ModelRegistry.CausalLanguageModel(folder is null ? vocabulary.Config : AdapterMethods.Amend(vocabulary.Config, folder.Config));
            },
            parts => new LoadedModel(parts, vocabulary!.Text), note, cancellation, weights => vocabulary!.Weights(weights));
    }
}
