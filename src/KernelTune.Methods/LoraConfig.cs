using System.Text.Json.Nodes;

namespace KernelTune.Methods;

/// <summary>Which biases train beside LoRA.</summary>
public enum LoraBiasMode
{
    None,

    /// <summary>Every bias of the model.</summary>
    All,

    /// <summary>The biases of the targeted layers.</summary>
    LoraOnly,
}

/// <summary>LoRA's settings (Hu et al., 2021) under PEFT's names and with PEFT's defaults.</summary>
public sealed record LoraConfig
{
    /// <summary>The version of PEFT whose file format is written.</summary>
    public const string WrittenFormat = "0.21.2";

    /// <summary>The rank.</summary>
    public int R { get; init; } = 8;

    /// <summary>α: the update is scaled by α/r, or α/√r with <see cref="UseRslora"/>.</summary>
    public double LoraAlpha { get; init; } = 8;

    /// <summary>How often an input of A is dropped.</summary>
    public double LoraDropout { get; init; }

    /// <summary>The layers; null: the defaults of the model's type.</summary>
    public ModuleSelection? TargetModules { get; init; }

    public ModuleSelection? ExcludeModules { get; init; }

    /// <summary>Modules that train whole and are saved: every path that ends with one of the names.</summary>
    public IReadOnlyList<string>? ModulesToSave { get; init; }

    /// <summary>Only these layers, counted from 0; null: all of them. Applies to names, not to expressions or to full paths.</summary>
    public IReadOnlyList<int>? LayersToTransform { get; init; }

    /// <summary>The names of the list of layers ("layers", "h"); null: the first numbered part of the path.</summary>
    public IReadOnlyList<string>? LayersPattern { get; init; }

    public LoraBiasMode Bias { get; init; }

    /// <summary>Whether the targeted weights are stored [in, out].</summary>
    public bool FanInFanOut { get; init; }

    /// <summary>Rank-stabilised scaling (Kalajdzievski, 2023).</summary>
    public bool UseRslora { get; init; }

    public bool UseDora { get; init; }

    /// <summary>Whether B has a bias.</summary>
    public bool LoraBias { get; init; }

    /// <summary>"true", "false", "gaussian", "pissa" …: how a fresh adapter starts.</summary>
    public string InitLoraWeights { get; init; } = "true";

    /// <summary>Other ranks for paths that end with a match of a key; the first match counts.</summary>
    public IReadOnlyList<KeyValuePair<string, int>> RankPattern { get; init; } = [];

    /// <summary>Other α for paths that end with a match of a key; the first match counts.</summary>
    public IReadOnlyList<KeyValuePair<string, double>> AlphaPattern { get; init; } = [];

    /// <summary>"CAUSAL_LM", "SEQ_CLS" …; null: none.</summary>
    public string? TaskType { get; init; }

    public string? BaseModelNameOrPath { get; init; }

    public string? Revision { get; init; }

    /// <summary>The other keys that PEFT knows, as they were read: kept, and written again.</summary>
    public JsonObject Others { get; init; } = [];

    /// <summary>Rows of the token table that train whole beside the factors, by their ids (PEFT's trainable_token_indices); empty where there are none, or where the configuration lists them by table.</summary>
    public IReadOnlyList<int> TrainableTokenIndices
    {
        get => Others[TokenKey] is JsonArray list && list.All(i => i is JsonValue v && v.TryGetValue(out int _)) ? [.. list.Select(i => (int)i!)] : [];
        init
        {
            Others = Others.DeepClone().AsObject();
            if (value.Count > 0)
                Others[TokenKey] = new JsonArray([.. value.Select(i => (JsonNode?)i)]);
            else
                Others.Remove(TokenKey);
        }
    }

    /// <summary>Rows that train whole, by the paths of their tables (the token table, or a head with a table of its own); empty where the configuration lists those of the token table alone.</summary>
    /// <exception cref="MethodException">A list holds something else than ids.</exception>
    public IReadOnlyList<KeyValuePair<string, IReadOnlyList<int>>> TrainableTokensByTable
    {
        get => Others[TokenKey] is JsonObject tables ? [.. tables.Select(t => KeyValuePair.Create(t.Key, TrainableTokens.Ids(t.Value)))] : [];
        init
        {
            Others = Others.DeepClone().AsObject();
            if (value.Count > 0)
                Others[TokenKey] = new JsonObject([.. value.Select(t => KeyValuePair.Create(t.Key, (JsonNode?)new JsonArray([.. t.Value.Select(i => (JsonNode?)i)])))]);
            else
                Others.Remove(TokenKey);
        }
    }

    /// <summary>This configuration with more rows that train whole, each once.</summary>
    /// <param name="tokens">The rows: tokens' ids.</param>
    /// <param name="tokenTable">The path of the token table, whose rows a list without a table names.</param>
    /// <param name="tables">The paths of the tables.</param>
    /// <param name="byTable">Whether rows are listed by table; false: <paramref name="tables"/> is the token table, or empty.</param>
    public LoraConfig AlsoTraining(IReadOnlyList<int> tokens, string tokenTable, IReadOnlyList<string> tables, bool byTable)
    {
        var listed = TrainableTokensByTable;
        if (tables.Count == 0)
            return this;
        if (listed.Count == 0 && !byTable)
            return this with { TrainableTokenIndices = [.. TrainableTokenIndices.Union(tokens)] };
        var all = (listed.Count > 0 || TrainableTokenIndices.Count == 0 ? listed : [KeyValuePair.Create(tokenTable, TrainableTokenIndices)]).ToList();
        foreach (string table in tables)
        {
            int at = all.FindIndex(t => LoraTargets.Targets(new LoraConfig { TargetModules = ModuleSelection.Of(t.Key) }, table));
            if (at < 0)
                all.Add(KeyValuePair.Create(table, tokens));
            else
                all[at] = KeyValuePair.Create<string, IReadOnlyList<int>>(all[at].Key, [.. all[at].Value.Union(tokens)]);
        }
        return this with { TrainableTokensByTable = all };
    }

    internal const string TokenKey = "trainable_token_indices";

    /// <summary>Checks what can be checked without a model.</summary>
    /// <exception cref="MethodException">A setting is out of its range, or two contradict each other; the message names them.</exception>
    public void Check()
    {
        Demand(R > 0, $"r is {R}, wanted 1 or more");
        foreach ((string key, int rank) in RankPattern)
            Demand(rank > 0, $"rank_pattern gives '{key}' the rank {rank}, wanted 1 or more");
        Demand(double.IsFinite(LoraAlpha), $"lora_alpha is {LoraAlpha}, wanted a finite number");
        foreach ((string key, double alpha) in AlphaPattern)
            Demand(double.IsFinite(alpha), $"alpha_pattern gives '{key}' the alpha {alpha}, wanted a finite number");
        Demand(LoraDropout is >= 0 and < 1, $"lora_dropout is {LoraDropout}, wanted a number from 0 up to (not including) 1");
        if (TargetModules?.Pattern is not null)
        {
            Demand(LayersToTransform is null, $"layers_to_transform cannot be used when target_modules is the expression {TargetModules}");
            Demand(LayersPattern is null, $"layers_pattern cannot be used when target_modules is the expression {TargetModules}");
        }

        Demand(LayersPattern is null or [] || LayersToTransform is not null, $"layers_pattern wants layers_to_transform beside it");
        Demand(!(LoraBias && UseDora), $"lora_bias and use_dora cannot be used together");
        Demand(!LoraBias || InitLoraWeights is "true" or "false", $"lora_bias wants init_lora_weights true or false, and it is '{InitLoraWeights}'");
    }

    /// <summary>The settings of PEFT's that change what LoRA computes and that plain LoRA does not have, each with its value; empty: plain LoRA.</summary>
    /// <param name="fresh">Whether the adapter is to be initialised; a stored one only minds initialisations that changed the base's weights.</param>
    public IReadOnlyList<string> BeyondPlain(bool fresh)
    {
        List<string> beyond = [];
        if (UseDora)
            beyond.Add("use_dora");
        bool known = InitLoraWeights is "true" or "false" or "gaussian";
        bool changesBase = InitLoraWeights.StartsWith("pissa", StringComparison.Ordinal) || InitLoraWeights is "olora" or "corda" or "loftq" or "lora_ga";
        if (fresh ? !known : changesBase)
            beyond.Add($"init_lora_weights {InitLoraWeights}");
        foreach ((string key, JsonNode? value) in Others)
        {
            bool off = value is null or JsonObject { Count: 0 } || (value.GetValueKind() == System.Text.Json.JsonValueKind.False);
            bool harmless = key is "auto_mapping" or "megatron_core" or "qalora_group_size" or "eva_config" or "corda_config" or "lora_ga_config" or TokenKey;
            if (!off && !harmless)
                beyond.Add(key);
        }

        return beyond;
    }

    /// <summary>The rank at a path.</summary>
    public int RankOf(string path) => LoraPatterns.Find(RankPattern, path, "rank_pattern") ?? R;

    /// <summary>α at a path.</summary>
    public double AlphaOf(string path) => LoraPatterns.Find(AlphaPattern, path, "alpha_pattern") ?? LoraAlpha;

    /// <summary>What B·A is multiplied by at a path.</summary>
    public double ScaleOf(string path) => AlphaOf(path) / (UseRslora ? Math.Sqrt(RankOf(path)) : RankOf(path));

    private static void Demand(bool holds, FormattableString otherwise)
    {
        if (!holds)
            throw new MethodException(FormattableString.Invariant(otherwise));
    }
}

/// <summary>Settings by patterns of paths: PEFT's rule (.*\.)?(key)$ from the start of the path, the first match counts.</summary>
internal static class LoraPatterns
{
    public static T? Find<T>(IReadOnlyList<KeyValuePair<string, T>> patterns, string path, string setting)
        where T : struct
    {
        foreach ((string key, T value) in patterns)
            if (PythonRegex.IsMatch(PythonRegex.StartMatch($@"(.*\.)?({key})$", key, setting), path))
                return value;
        return null;
    }
}
