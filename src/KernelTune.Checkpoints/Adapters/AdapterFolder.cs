using System.Text.Json;
using System.Text.Json.Nodes;

namespace KernelTune.Checkpoints;

/// <summary>
/// An adapter as PEFT saves it, adapter_config.json and adapter_model.safetensors, or a bottleneck adapter as adapter-hub saves it, adapter_config.json and adapter.safetensors.
/// What the keys mean is the methods' business; here the files are read and written, and other dialects are told apart and refused by name.
/// </summary>
public sealed class AdapterFolder : IDisposable
{
    public const string ConfigName = "adapter_config.json";
    public const string WeightsName = "adapter_model.safetensors";

    /// <summary>adapter-hub's name for the weights.</summary>
    public const string HubWeightsName = "adapter.safetensors";

    private AdapterFolder(string location, JsonSettings config, SafetensorsFile weights)
    {
        Location = location;
        Config = config;
        Weights = weights;
        PeftType = MethodOf(config);
    }

    public string Location { get; }

    /// <summary>adapter_config.json.</summary>
    public JsonSettings Config { get; }

    /// <summary>The tensors under their library's names (PEFT: "base_model.model.….lora_A.weight").</summary>
    public SafetensorsFile Weights { get; }

    /// <summary>"LORA", "IA3" …, as the config spells it; "BOTTLENECK" for adapter-hub's bottleneck adapters, which name no method, "adapter-hub prefix_tuning" and so on for its others.</summary>
    public string PeftType { get; }

    /// <summary>Whether it is adapter-hub's, of whatever architecture.</summary>
    public bool IsHub => AdapterDialects.IsHub(Config);

    /// <summary>The method that an adapter_config.json names, as <see cref="PeftType"/> says it.</summary>
    /// <exception cref="CheckpointException">It names none.</exception>
    public static string MethodOf(JsonSettings config) => AdapterDialects.IsHub(config) ? AdapterDialects.HubMethod(config) : config.String("peft_type");

    /// <summary>Opens the adapter in <paramref name="folder"/>.</summary>
    /// <exception cref="CheckpointException">No adapter, another dialect, pickled weights, damaged files.</exception>
    public static AdapterFolder Open(string folder)
    {
        if (!Directory.Exists(folder))
            throw new CheckpointException(folder, File.Exists(folder) ? "a file was found, an adapter's folder wanted" : "no such folder");
        var configFile = Path.Combine(folder, ConfigName);
        if (!File.Exists(configFile))
            throw new CheckpointException(folder, $"no {ConfigName} was found, an adapter's folder wanted");
        var config = JsonSettings.Read(configFile);
        bool hub = AdapterDialects.IsHub(config);
        if (!hub)
            AdapterDialects.RequirePeft(config);

        var weights = Path.Combine(folder, hub ? HubWeightsName : WeightsName);
        var pickled = Path.Combine(folder, hub ? "pytorch_adapter.bin" : "adapter_model.bin");
        if (!File.Exists(weights) && File.Exists(pickled))
            throw Pickle.Refusal(pickled);
        var file = SafetensorsFile.Open(weights);
        try
        {
            return new AdapterFolder(folder, config, file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Writes both files into <paramref name="folder"/>: the config with sorted keys, two spaces and inference_mode true, as PEFT writes it;
    /// the tensors in the safetensors library's order.
    /// </summary>
    /// <param name="folder">A folder that is being saved.</param>
    /// <param name="config">The keys of adapter_config.json; peft_type is one of them.</param>
    /// <param name="tensors">Under PEFT's names.</param>
    /// <param name="subfolder">"" for the adapter called default; another adapter's name is its subfolder.</param>
    public static void Write(AtomicFolder folder, JsonObject config, IEnumerable<TensorToSave> tensors, string subfolder = "")
    {
        ArgumentNullException.ThrowIfNull(folder);
        ArgumentNullException.ThrowIfNull(config);
        if (config["peft_type"]?.GetValueKind() != JsonValueKind.String)
            throw new ArgumentException("peft_type is missing", nameof(config));
        var prefix = subfolder.Length == 0 ? "" : subfolder + "/";
        folder.WriteSafetensors(prefix + WeightsName, tensors);
        folder.Write(prefix + ConfigName, ConfigBytes(config));
    }

    /// <summary>Writes both files as adapter-hub's save_adapter does: no key is added to the config, and the weights have adapter-hub's file name.</summary>
    public static void WriteHub(AtomicFolder folder, JsonObject config, IEnumerable<TensorToSave> tensors)
    {
        ArgumentNullException.ThrowIfNull(folder);
        folder.WriteSafetensors(HubWeightsName, tensors, new Dictionary<string, string>());     // adapter-hub writes no metadata
        folder.Write(ConfigName, SortedJson.Bytes(config));
    }

    /// <summary>adapter_config.json's bytes.</summary>
    public static byte[] ConfigBytes(JsonObject config)
    {
        ArgumentNullException.ThrowIfNull(config);
        var saved = (JsonObject)config.DeepClone();
        saved["inference_mode"] = true;
        return SortedJson.Bytes(saved);
    }

    public void Dispose() => Weights.Dispose();
}
