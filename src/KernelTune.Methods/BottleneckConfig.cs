using System.Text.Json;
using System.Text.Json.Nodes;
using KernelTune.Checkpoints;

namespace KernelTune.Methods;

/// <summary>What the output of a bottleneck is multiplied by.</summary>
public enum BottleneckScaling
{
    /// <summary>A number.</summary>
    Constant,

    /// <summary>One number that trains ("learned").</summary>
    Learned,

    /// <summary>A number a channel that trains ("channel").</summary>
    Channel,
}

/// <summary>A bottleneck adapter's settings under the names and with the defaults of adapter-hub's BnConfig.</summary>
public sealed record BottleneckConfig
{
    /// <summary>What <see cref="AdapterFolder.PeftType"/> says of adapter-hub's bottleneck adapters.</summary>
    public const string PeftType = "BOTTLENECK";

    /// <summary>The name of the adapter within its file.</summary>
    public string Name { get; init; } = "default";

    /// <summary>A bottleneck after attention.</summary>
    public bool MhAdapter { get; init; }

    /// <summary>A bottleneck after the feed-forward block.</summary>
    public bool OutputAdapter { get; init; } = true;

    /// <summary>The hidden size over the bottleneck's; may be less than one.</summary>
    public double ReductionFactor { get; init; } = 16;

    /// <summary>Other factors by the number of the layer, "default" for those that are not named.</summary>
    public IReadOnlyList<KeyValuePair<string, double>>? ReductionFactors { get; init; }

    public string NonLinearity { get; init; } = "relu";

    /// <summary>The residual stream is added before the bottleneck.</summary>
    public bool OriginalLnBefore { get; init; }

    /// <summary>The residual stream is added after the bottleneck.</summary>
    public bool OriginalLnAfter { get; init; } = true;

    /// <summary>A layer norm of its own on the bottleneck's input.</summary>
    public bool LnBefore { get; init; }

    /// <summary>A layer norm of its own on the bottleneck's output.</summary>
    public bool LnAfter { get; init; }

    /// <summary>The bottleneck's own residual is the sublayer's output; false: with the residual stream where <see cref="OriginalLnBefore"/> has added it.</summary>
    public bool ResidualBeforeLn { get; init; } = true;

    /// <summary>The bottleneck's own residual is added before <see cref="LnAfter"/>.</summary>
    public bool AdapterResidualBeforeLn { get; init; }

    /// <summary>"bert", "mam_adapter" or "houlsby".</summary>
    public string InitWeights { get; init; } = "bert";

    /// <summary>The bottleneck stands beside the sublayer: its input is the residual stream.</summary>
    public bool IsParallel { get; init; }

    /// <summary>What the up-projection's output is multiplied by.</summary>
    public double Scaling { get; init; } = 1;

    public BottleneckScaling ScalingKind { get; init; }

    /// <summary>Layers without a bottleneck, counted from 0.</summary>
    public IReadOnlyList<int> LeaveOut { get; init; } = [];

    public double Dropout { get; init; }

    /// <summary>How often an example goes past the bottleneck in training.</summary>
    public double StochasticDepth { get; init; }

    /// <summary>The configurations that adapter-hub knows by name.</summary>
    /// <exception cref="MethodException">The name is none of them, or one whose parts are not built.</exception>
    public static BottleneckConfig Named(string name) => name switch
    {
        "houlsby" or "double_seq_bn" => new BottleneckConfig { MhAdapter = true, NonLinearity = "swish" },
        "pfeiffer" or "seq_bn" => new BottleneckConfig { OriginalLnBefore = true },
        "parallel" or "par_bn" => new BottleneckConfig { ReductionFactor = 2, InitWeights = "mam_adapter", IsParallel = true, Scaling = 4 },
        "scaled_parallel" or "scaled_par_bn" => Named("parallel") with { ScalingKind = BottleneckScaling.Learned },
        _ => throw new MethodException($"the adapter configuration '{name}' is not known: houlsby (double_seq_bn), pfeiffer (seq_bn), parallel (par_bn) or scaled_parallel (scaled_par_bn)"),
    };

    /// <summary>The bottleneck's width in a layer.</summary>
    /// <exception cref="MethodException">reduction_factor names neither the layer nor a default.</exception>
    public int Width(int layer, int hidden)
    {
        double factor = ReductionFactor;
        if (ReductionFactors is { } factors)
        {
            string number = layer.ToString(System.Globalization.CultureInfo.InvariantCulture);
            factor = factors.Where(f => f.Key == number).Concat(factors.Where(f => f.Key == "default")).Select(f => f.Value).FirstOrDefault();
            if (factor == 0)
                throw new MethodException($"reduction_factor names neither layer {number} nor a default");
        }
        return Math.Max(1, (int)Math.Floor(hidden / factor));
    }

    /// <summary>Checks what can be checked without a model.</summary>
    /// <exception cref="MethodException">A setting is out of its range, or two contradict each other.</exception>
    public void Check()
    {
        Demand(MhAdapter || OutputAdapter, "mh_adapter and output_adapter are both false: there would be no adapter");
        foreach (double factor in ReductionFactors?.Select(f => f.Value) ?? [ReductionFactor])
            Demand(factor > 0 && double.IsFinite(factor), FormattableString.Invariant($"reduction_factor is {factor}, wanted a finite number above 0"));
        Demand(double.IsFinite(Scaling), FormattableString.Invariant($"scaling is {Scaling}, wanted a finite number, learned or channel"));
        Demand(Dropout is >= 0 and < 1, FormattableString.Invariant($"dropout is {Dropout}, wanted a number from 0 up to (not including) 1"));
        Demand(StochasticDepth is >= 0 and < 1, FormattableString.Invariant($"stochastic_depth is {StochasticDepth}, wanted a number from 0 up to (not including) 1"));
        Demand(InitWeights is "bert" or "mam_adapter" or "houlsby", $"init_weights is '{InitWeights}', wanted bert, mam_adapter or houlsby");
        Demand(KernelTune.Modules.ActivationFunction.IsKnown(Activation), $"the non_linearity '{NonLinearity}' is not known");
    }

    /// <summary>The activation under its name in Transformers.</summary>
    internal string Activation => NonLinearity.ToLowerInvariant() is "leakyrelu" ? "leaky_relu" : NonLinearity.ToLowerInvariant();

    private static void Demand(bool holds, string otherwise)
    {
        if (!holds)
            throw new MethodException(otherwise);
    }
}

/// <summary>Reads and writes a bottleneck adapter's adapter_config.json: the keys of adapter-hub's <c>adapters</c> 1.3.</summary>
public static class BottleneckConfigJson
{
    private const string Version = "adapters.1.3.0";

    // What stands in the file though nothing here depends on it, as the library writes it.
    private const string Fixed = """
        {"cross_adapter": false, "factorized_phm_W": true, "factorized_phm_rule": false, "hypercomplex_nonlinearity": "glorot-uniform", "init_weights_seed": null,
         "inv_adapter": null, "inv_adapter_reduction_factor": null, "learn_phm": true, "phm_bias": true, "phm_c_init": "normal", "phm_dim": 4, "phm_init_range": 0.0001,
         "phm_layer": false, "phm_rank": 1, "shared_W_phm": false, "shared_phm_rule": true, "use_gating": false}
        """;

    private static readonly string[] Known =
    [
        "mh_adapter", "output_adapter", "reduction_factor", "non_linearity", "original_ln_before", "original_ln_after", "ln_before", "ln_after", "residual_before_ln",
        "adapter_residual_before_ln", "init_weights", "is_parallel", "scaling", "leave_out", "dropout", "stochastic_depth", "architecture",
    ];

    /// <summary>Reads the settings.</summary>
    /// <exception cref="CheckpointException">A value is missing or has the wrong type.</exception>
    /// <exception cref="MethodException">A part of the library that is not built: the message names the key.</exception>
    public static BottleneckConfig Read(JsonSettings file, ICollection<string> dropped)
    {
        var json = file.Object("config") ?? throw file.Bad("config", "absent, the settings of an adapter-hub adapter wanted");
        Refuse(json, "use_gating", "phm_layer", "cross_adapter");
        if (json.StringOrNull("inv_adapter") is { } inverse)
            throw new MethodException($"{file.File}: inv_adapter \"{inverse}\" is not built");
        var fixedKeys = JsonNode.Parse(Fixed)!.AsObject();
        foreach (var p in json.Root.EnumerateObject())
            if (!Known.Contains(p.Name) && !fixedKeys.ContainsKey(p.Name))
                dropped.Add(p.Name);
        bool before = json.Bool("original_ln_before", false);
        var (scaling, kind) = Scaling(json);
        return new BottleneckConfig
        {
            Name = file.StringOrNull("name") ?? "default",
            MhAdapter = Needed(json, "mh_adapter"),
            OutputAdapter = Needed(json, "output_adapter"),
            ReductionFactor = json.Root.TryGetProperty("reduction_factor", out var factor) && factor.ValueKind == JsonValueKind.Object ? 16 : json.Double("reduction_factor"),
            ReductionFactors = factor.ValueKind == JsonValueKind.Object
                ? [.. factor.EnumerateObject().Select(p => KeyValuePair.Create(p.Name, json.Object("reduction_factor")!.Double(p.Name)))]
                : null,
            NonLinearity = json.String("non_linearity"),
            OriginalLnBefore = before,
            OriginalLnAfter = json.Bool("original_ln_after", true),
            LnBefore = json.Bool("ln_before", false),
            LnAfter = json.Bool("ln_after", false),
            ResidualBeforeLn = ResidualBeforeLn(file, json),
            AdapterResidualBeforeLn = json.Bool("adapter_residual_before_ln", false),
            InitWeights = json.StringOrNull("init_weights") ?? "bert",
            IsParallel = json.Bool("is_parallel", false),
            Scaling = scaling,
            ScalingKind = kind,
            LeaveOut = json.Ints("leave_out"),
            Dropout = json.Double("dropout", 0),
            StochasticDepth = json.Double("stochastic_depth", 0),
        };
    }

    /// <summary>The keys of adapter_config.json.</summary>
    public static JsonObject Write(BottleneckConfig config, string? modelName, string modelClass, string modelType, int hidden)
    {
        var json = JsonNode.Parse(Fixed)!.AsObject();
        json["mh_adapter"] = config.MhAdapter;
        json["output_adapter"] = config.OutputAdapter;
        json["reduction_factor"] = config.ReductionFactors is { } factors
            ? new JsonObject(factors.Select(f => KeyValuePair.Create(f.Key, (JsonNode?)PeftKeys.Number(f.Value))))
            : PeftKeys.Number(config.ReductionFactor);
        json["non_linearity"] = config.NonLinearity;
        json["original_ln_before"] = config.OriginalLnBefore;
        json["original_ln_after"] = config.OriginalLnAfter;
        json["ln_before"] = config.LnBefore;
        json["ln_after"] = config.LnAfter;
        json["residual_before_ln"] = config.ResidualBeforeLn;
        json["adapter_residual_before_ln"] = config.AdapterResidualBeforeLn;
        json["init_weights"] = config.InitWeights;
        json["is_parallel"] = config.IsParallel;
        // A float: the library refuses an integer here.
        json["scaling"] = config.ScalingKind switch { BottleneckScaling.Learned => "learned", BottleneckScaling.Channel => "channel", _ => config.Scaling };
        json["leave_out"] = new JsonArray([.. config.LeaveOut.Select(n => (JsonNode?)n)]);
        json["dropout"] = config.Dropout;
        json["stochastic_depth"] = config.StochasticDepth;
        return new JsonObject
        {
            ["config"] = json,
            ["hidden_size"] = hidden,
            ["model_class"] = modelClass,
            ["model_name"] = modelName,
            ["model_type"] = modelType,
            ["name"] = config.Name,
            ["version"] = Version,
        };
    }

    private static void Refuse(JsonSettings json, params string[] keys)
    {
        foreach (string key in keys)
            if (json.Bool(key, false))
                throw new MethodException($"{json.File}: {key} is not built");
    }

    // "post_add" reads what only a norm between the residual stream and the adapter would set: on a pre-norm model the library itself fails there.
    private static bool ResidualBeforeLn(JsonSettings file, JsonSettings json) =>
        json.Has("residual_before_ln") && json.Root.GetProperty("residual_before_ln").ValueKind == JsonValueKind.String
            ? throw new MethodException($"{file.File}: residual_before_ln \"{json.String("residual_before_ln")}\" is not built: it needs a norm after the sublayer")
            : json.Bool("residual_before_ln", true);

    private static bool Needed(JsonSettings json, string key) => json.Has(key) ? json.Bool(key, false) : throw json.Bad(key, "absent, true or false wanted");

    private static (double Factor, BottleneckScaling Kind) Scaling(JsonSettings json)
    {
        if (!json.Has("scaling") || json.Root.GetProperty("scaling").ValueKind != JsonValueKind.String)
            return (json.Double("scaling", 1), BottleneckScaling.Constant);
        return json.String("scaling") switch
        {
            "learned" => (1, BottleneckScaling.Learned),
            "channel" => (1, BottleneckScaling.Channel),
            var other => throw json.Bad("scaling", $"{CheckpointException.Quote(other)} was found, a number, \"learned\" or \"channel\" wanted"),
        };
    }
}
