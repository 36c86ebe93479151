namespace KernelTune.Checkpoints;

/// <summary>
/// A pretrained model as Hugging Face lays it out: config, weights, tokenizer files. It may be named as a folder, as one .gguf or
/// .safetensors file (with the files beside it), or as org/name in the local cache.
/// </summary>
public sealed class HuggingFaceFolder : IDisposable
{
    private HuggingFaceFolder(string location, string folder, IWeightSource weights, GgufFile? gguf, JsonSettings config)
    {
        Location = location;
        Folder = folder;
        Weights = weights;
        Gguf = gguf;
        Config = config;
        var generation = Path.Combine(folder, "generation_config.json");
        GenerationConfig = File.Exists(generation) ? JsonSettings.Read(generation) : null;
    }

    /// <summary>What was opened, as the user named it.</summary>
    public string Location { get; }

    /// <summary>The folder that the files lie in.</summary>
    public string Folder { get; }

    /// <summary>config.json, or what a GGUF file's metadata says in its place.</summary>
    public JsonSettings Config { get; }

    /// <summary>The weights under Hugging Face's names and in its row order.</summary>
    public IWeightSource Weights { get; }

    /// <summary>The GGUF file as it is, where the weights come from one: its metadata holds a tokenizer.</summary>
    public GgufFile? Gguf { get; }

    /// <summary>generation_config.json, where it is there.</summary>
    public JsonSettings? GenerationConfig { get; }

    /// <summary>Opens a model.</summary>
    /// <param name="path">A folder, a .gguf or .safetensors file, or org/name in the local cache.</param>
    /// <param name="revision">A branch, tag or commit in the cache.</param>
    /// <param name="environment">Where HF_HUB_CACHE, HF_HOME … are looked up; by default the process's environment.</param>
    /// <exception cref="CheckpointException">
    /// Nothing of that name, no config, no weights or pickled ones, damaged files, or a model that brings code of its own (auto_map).
    /// </exception>
    public static HuggingFaceFolder Open(string path, string revision = "main", Func<string, string?>? environment = null)
    {
        var (folder, file) = Find(path, revision, environment ?? Environment.GetEnvironmentVariable);
        var weightsFile = file ?? FindWeights(folder);
        var isGguf = weightsFile.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase);
        var configFile = Path.Combine(folder, "config.json");
        var config = File.Exists(configFile) ? ReadConfig(configFile) : null;
        if (config is null && !isGguf)
            throw NoConfig(folder);

        IWeightSource? weights = null;
        try
        {
            GgufFile? gguf = null;
            if (isGguf)
            {
                weights = gguf = GgufFile.Open(weightsFile);
                var mapped = GgufWeights.Of(gguf);
                weights = mapped;
                config ??= GgufConfig.Derive(gguf, mapped);
            }
            else
            {
                weights = weightsFile.EndsWith(".json", StringComparison.OrdinalIgnoreCase)
                    ? ShardedSafetensors.Open(weightsFile)
                    : SafetensorsFile.Open(weightsFile);
                weights = BitsAndBytesWeights.Of(weights);
            }

            return new HuggingFaceFolder(path, folder, weights, gguf, config!);
        }
        catch
        {
            weights?.Dispose();
            throw;
        }
    }

    public void Dispose() => Weights.Dispose();

    private static (string Folder, string? File) Find(string path, string revision, Func<string, string?> environment)
    {
        if (Directory.Exists(path))
            return (path, null);
        if (Path.Exists(path) || new FileInfo(path).LinkTarget is not null)
        {
            if (Pickle.IsName(path))
                throw Pickle.Refusal(path);
            if (Path.GetExtension(path) is not (".gguf" or ".safetensors"))
                throw new CheckpointException(path, "a file was found, a folder, a .gguf or .safetensors file or org/name wanted");
            return (Path.GetDirectoryName(Path.GetFullPath(path))!, path);
        }

        if (!HubCache.IsModelId(path))
            throw new CheckpointException(path, "no such folder or file");
        var hub = HubCache.Folder(environment);
        return (HubCache.Snapshot(hub, path, revision)
            ?? throw new CheckpointException(path, $"no such folder or file, and no model of this name in the Hugging Face cache {hub}"), null);
    }

    private static string FindWeights(string folder)
    {
        foreach (var name in (string[])["model.safetensors", "model.safetensors.index.json"])
        {
            var path = Path.Combine(folder, name);
            if (File.Exists(path))
                return path;
        }

        var ggufs = Directory.GetFiles(folder, "*.gguf").Order(StringComparer.Ordinal).ToArray();
        if (ggufs.Length == 1)
            return ggufs[0];
        if (ggufs.Length > 1)
            throw new CheckpointException(folder, $"{ggufs.Length} .gguf files were found; name the one that is meant");
        if (File.Exists(Path.Combine(folder, "adapter_config.json")))
            throw new CheckpointException(folder, "an adapter was found, a model wanted (its adapter_config.json names its base)");
        if (Directory.GetFiles(folder).Order(StringComparer.Ordinal).FirstOrDefault(IsPickledModel) is { } pickle)
            throw Pickle.Refusal(pickle);
        throw new CheckpointException(folder, "no weights were found; model.safetensors, model.safetensors.index.json or one .gguf file wanted");
    }

    private static bool IsPickledModel(string path) =>
        Pickle.IsName(path) && Path.GetFileName(path) is not ("training_args.bin" or "optimizer.pt" or "scheduler.pt" or "scaler.pt");

    private static JsonSettings ReadConfig(string path)
    {
        var config = JsonSettings.Read(path);
        return config.Has("auto_map")
            ? throw config.Bad("auto_map", "the model brings code of its own, which is never executed; an architecture that is built in wanted")
            : config;
    }

    private static CheckpointException NoConfig(string folder) => new(folder, "no config.json was found beside the weights");
}
