using System.Text.Json.Nodes;
using KernelTune.Autograd;
using KernelTune.Checkpoints;
using KernelTune.Devices;
using KernelTune.Modules;

namespace KernelTune.Methods;

/// <summary>PEFT's settings of trainable tokens.</summary>
public sealed record TrainableTokensConfig
{
    public const string PeftType = "TRAINABLE_TOKENS";

    /// <summary>The tables; null: the model's token table.</summary>
    public ModuleSelection? TargetModules { get; init; }

    /// <summary>The tokens' ids.</summary>
    public IReadOnlyList<int> TokenIndices { get; init; } = [];

    public string? TaskType { get; init; }

    /// <summary>Reads adapter_config.json.</summary>
    /// <param name="json">The file.</param>
    /// <param name="dropped">Receives the names of keys that PEFT does not know.</param>
    /// <exception cref="CheckpointException">A value has the wrong type, or peft_type is another.</exception>
    /// <exception cref="MethodException">init_weights is false: rows that are drawn anew are not built.</exception>
    public static TrainableTokensConfig Read(JsonSettings json, ICollection<string> dropped)
    {
        PeftKeys.Check(json, PeftType, dropped, "target_modules", "token_indices", "init_weights");
        return json.Bool("init_weights", true)
            ? new TrainableTokensConfig { TargetModules = PeftKeys.Selection(json, "target_modules"), TokenIndices = [.. json.Ints("token_indices")], TaskType = json.StringOrNull("task_type") }
            : throw new MethodException($"{json.File}: init_weights false is not built yet");
    }

    /// <summary>The keys of adapter_config.json, all that PEFT writes.</summary>
    public JsonObject ToJson(string? baseName, string? taskType)
    {
        var json = PeftKeys.Common(PeftType, taskType ?? TaskType, baseName, null);
        json.Remove("modules_to_save");
        json["init_weights"] = true;
        json["target_modules"] = PeftKeys.Selection(TargetModules);
        json["token_indices"] = new JsonArray([.. TokenIndices.Select(i => (JsonNode?)i)]);
        return json;
    }
}

/// <summary>Only the rows of some tokens train (PEFT's TRAINABLE_TOKENS); a head that shares the table follows.</summary>
public sealed class TrainableTokens : IMethod
{
    private const string Name = "trainable_tokens_delta";

    private readonly List<TokenRows> rows = [];
    private readonly AdapterTensors tensors = new();

    private TrainableTokens(TrainableTokensConfig config) => Config = config;

    public TrainableTokensConfig Config { get; }

    public string Description => FormattableString.Invariant($"trainable tokens, {Config.TokenIndices.Count} rows");

    public bool IsAdapter => true;

    public int Passes => 2;

    /// <summary>What it trains, by its names in adapter_model.safetensors; of a tied table under those of the heads too.</summary>
    public AdapterTensors Tensors => tensors;

    public IReadOnlyList<Parameter> Trainable => tensors.Parameters;

    public IReadOnlyList<string> Warnings => [];

    public string? WhyUnmergeable => null;

    /// <summary>Occupies the tables of a model.</summary>
    /// <exception cref="MethodException">The targets match no table, or a token is none of it.</exception>
    public static TrainableTokens Attach(Module model, TrainableTokensConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        var method = new TrainableTokens(config);
        foreach (var table in Tables(model, config.TargetModules))
            method.rows.Add(TokenRows.Put(model, table, config.TokenIndices, Name, method.tensors));
        return method;
    }

    /// <summary>Rows beside another method, as LoRA's trainable_token_indices asks for them: a list of ids of the token table, or lists by the names of tables.</summary>
    internal static IReadOnlyList<TokenRows> Beside(Module model, JsonNode? indices, AdapterTensors tensors)
    {
        TokenRows Put(Module<Tensor, Tensor> table, JsonNode? ids) => TokenRows.Put(model, table, Ids(ids), "token_adapter." + Name, tensors);
        return indices switch
        {
            null => [],
            JsonObject byName => [.. byName.SelectMany(t => Tables(model, ModuleSelection.Of(t.Key)).Select(table => Put(table, t.Value)))],
            _ => [.. Tables(model, null).Select(table => Put(table, indices))],
        };
    }

    /// <summary>A list of ids.</summary>
    /// <exception cref="MethodException">It is something else.</exception>
    internal static IReadOnlyList<int> Ids(JsonNode? node) => node is JsonArray list && list.All(i => i is JsonValue v && v.TryGetValue(out int _)) ? [.. list.Select(i => (int)i!)]
        : throw new MethodException($"{LoraConfig.TokenKey} must be a list of ids, or of a list for each table, and holds {node?.ToJsonString() ?? "null"}");

    public void Initialize(Device device, ulong seed)
    {
        foreach (var one in rows)
            one.Initialize(device);
    }

    public IReadOnlyList<string> Load(Device device, AdapterFolder folder)
    {
        var extra = tensors.Load(device, folder.Weights);
        foreach (var one in rows)
            one.Prepare(device);
        return extra;
    }

    public void Save(AtomicFolder folder, string baseName, string? taskType) => AdapterFolder.Write(folder, Config.ToJson(baseName, taskType), tensors.ToSave());

    /// <summary>The weights that merging changes.</summary>
    public IEnumerable<(Parameter Base, float[] Merged)> Merged() => rows.Select(r => r.Merged());

    public bool Changes(Parameter parameter, string modulePath) => rows.Exists(r => r.Changes(parameter, modulePath));

    public bool ChangesAlike(Parameter parameter) => true;

    /// <exception cref="MethodException">The module is not adapted.</exception>
    public float[] Merged(Parameter parameter, string modulePath) =>
        (rows.Find(r => r.Changes(parameter, modulePath)) ?? throw new MethodException($"{modulePath} is not adapted")).Merged().Merged;

    // Look-up tables, and heads that have a table of their own.
    private static List<Module<Tensor, Tensor>> Tables(Module model, ModuleSelection? targets)
    {
        if (targets is null)
            return model is IDecoder decoder ? [decoder.TokenTable] : throw new MethodException("trainable tokens want target_modules: the model has no token table of its own");
        Module<Tensor, Tensor>[] all = [.. model.Tree().OfType<Embedding>(), .. model.Tree().OfType<Linear>().Where(l => l is { IsOutputHead: true, IsConv1D: false } && l.OwnParameters.Contains(l.Weight))];
        List<Module<Tensor, Tensor>> tables = [.. all.Where(e => LoraTargets.Targets(new LoraConfig { TargetModules = targets }, e.Path))];
        return tables.Count > 0 ? tables : throw new MethodException($"target_modules {targets} matches no table; this model has {string.Join(", ", all.Select(e => e.Path))}");
    }
}
