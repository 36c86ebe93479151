using KernelTune.Checkpoints;

namespace KernelTune.Methods;

/// <summary>One layer that gets a low-rank update.</summary>
/// <param name="Module">The layer.</param>
/// <param name="Rank">r.</param>
/// <param name="Alpha">α.</param>
/// <param name="Scale">What B·A is multiplied by.</param>
public sealed record LoraSite(AdaptableModule Module, int Rank, double Alpha, double Scale);

/// <summary>Where the values of a saved tensor come from.</summary>
public enum AdapterTensorSource
{
    /// <summary>It trains.</summary>
    Trained,

    /// <summary>A weight of the base that PEFT saves though it is frozen: the embedding under LoRA, the bias that a classifier's copy replaces.</summary>
    Base,

    /// <summary>A second copy of a trained tensor, which PEFT saves beside it.</summary>
    CopyOfTrained,
}

/// <summary>One tensor of an adapter file.</summary>
/// <param name="Name">Its name in adapter_model.safetensors: "base_model.model.….lora_A.weight".</param>
/// <param name="Shape">Its shape.</param>
/// <param name="ModulePath">The module it belongs to.</param>
/// <param name="Source">Where its values come from.</param>
public sealed record AdapterTensor(string Name, int[] Shape, string ModulePath, AdapterTensorSource Source = AdapterTensorSource.Trained);

/// <summary>A LoRA configuration put on a model, on paper: which layers, which ranks, which tensors. Pure: no weight is touched.</summary>
public sealed class LoraPlan
{
    /// <summary>What PEFT puts in front of a model's own names.</summary>
    public const string NamePrefix = "base_model.model.";

    private static readonly string[] EmbeddingNames = ["embed_tokens", "lm_head"];

    private LoraPlan(LoraConfig config, IReadOnlyList<LoraSite> sites, IReadOnlyList<AdaptableModule> savedWhole, IReadOnlyList<AdapterTensor> tensors, IReadOnlyList<string> warnings)
    {
        Config = config;
        Sites = sites;
        SavedWhole = savedWhole;
        Tensors = tensors;
        Warnings = warnings;
    }

    /// <summary>The configuration as PEFT saves it: targets spelt out, classifiers added to modules_to_save, fan_in_fan_out set.</summary>
    public LoraConfig Config { get; }

    /// <summary>The targeted layers in the order of the model.</summary>
    public IReadOnlyList<LoraSite> Sites { get; }

    /// <summary>The leaf modules that train whole (modules_to_save).</summary>
    public IReadOnlyList<AdaptableModule> SavedWhole { get; }

    /// <summary>The tensors of adapter_model.safetensors, in ordinal order of their names.</summary>
    public IReadOnlyList<AdapterTensor> Tensors { get; }

    /// <summary>What a user should know: a rank larger than a layer's smaller side.</summary>
    public IReadOnlyList<string> Warnings { get; }

    /// <summary>The number of parameters that train.</summary>
    public long TrainableParameters => Tensors.Where(t => t.Source == AdapterTensorSource.Trained).Sum(t => t.Shape.Aggregate(1L, (n, d) => n * d));

    /// <summary>Puts <paramref name="config"/> on a model.</summary>
    /// <param name="config">The settings.</param>
    /// <param name="modules">All leaf modules of the model, in its order.</param>
    /// <param name="modelType">config.json's model_type: names the default targets.</param>
    /// <exception cref="MethodException">A setting is wrong, nothing matches (the message lists what could), or LoRA cannot go on what matches.</exception>
    public static LoraPlan Make(LoraConfig config, IReadOnlyList<AdaptableModule> modules, string modelType)
    {
        config.Check();
        config = WithClassifiers(config);
        config = config with { TargetModules = LoraTargets.Spelt(config.TargetModules ?? LoraDefaultTargets.Of(modelType), modules) };

        List<LoraSite> sites = [];
        List<string> warnings = [];
        foreach (AdaptableModule module in Targeted(config, modules))
        {
            int rank = config.RankOf(module.Path);
            if (rank > Math.Min(module.InFeatures, module.OutFeatures))
                warnings.Add(FormattableString.Invariant($"the rank {rank} at {module.Path} is larger than the smaller side of its weight, {module.InFeatures} × {module.OutFeatures}"));
            sites.Add(new LoraSite(module, rank, config.AlphaOf(module.Path), config.ScaleOf(module.Path)));
            if (module.Kind != ModuleKind.Embedding)
                config = config with { FanInFanOut = module.Kind == ModuleKind.Conv1D };
        }

        List<AdaptableModule> whole = [.. modules.Where(m => SavedRoot(config, m.Path) is not null)];
        return new LoraPlan(config, sites, whole, Named(config, modules, sites, whole), warnings);
    }

    /// <summary>Checks that an adapter file holds what this plan wants: every trained tensor, in its shape.</summary>
    /// <returns>The names that the file holds beyond the plan: a warning.</returns>
    /// <exception cref="CheckpointException">A tensor is missing or has another shape: the adapter belongs to another base or another configuration.</exception>
    public IReadOnlyList<string> CheckWeights(IWeightSource weights)
    {
        HashSet<string> optional = [.. Tensors.Where(t => t.Source != AdapterTensorSource.Trained).Select(t => t.Name)];
        IReadOnlyList<string> extra = StrictKeys.Check(Tensors.Select(t => t.Name), optional, new Dictionary<string, string>(), weights);
        foreach (AdapterTensor tensor in Tensors)
            if (weights.TryGet(tensor.Name, out _))
                StrictKeys.CheckShape(weights, tensor.Name, [.. tensor.Shape.Select(n => (long)n)]);
        return extra;
    }

    private static List<AdaptableModule> Targeted(LoraConfig config, IReadOnlyList<AdaptableModule> modules)
    {
        Dictionary<string, AdaptableModule> byPath = modules.ToDictionary(m => m.Path, StringComparer.Ordinal);
        List<AdaptableModule> targeted = [];
        foreach (string path in LoraTargets.AllPaths(modules).Where(p => LoraTargets.Targets(config, p)))
        {
            if (!byPath.TryGetValue(path, out AdaptableModule module))
                throw new MethodException($"target_modules {config.TargetModules} matches {path}, which holds other modules: LoRA goes on Linear, Conv1D, Conv2d and Embedding");
            if (module.Kind is not (ModuleKind.Linear or ModuleKind.Conv1D or ModuleKind.Conv2d or ModuleKind.Embedding))
                throw new MethodException($"target_modules {config.TargetModules} matches {path}, a {module.Kind}: LoRA goes on Linear, Conv1D, Conv2d and Embedding");
            if (module.Kind == ModuleKind.Embedding && config.LoraBias)
                throw new MethodException($"lora_bias cannot be used on {path}, an Embedding");
            if (config.RankOf(path) % module.Groups != 0)
                throw new MethodException(FormattableString.Invariant($"the rank {config.RankOf(path)} at {path} is no multiple of its {module.Groups} groups"));
            targeted.Add(module);
        }

        return targeted.Count > 0 ? targeted : throw NothingMatches(config, modules);
    }

    private static MethodException NothingMatches(LoraConfig config, IReadOnlyList<AdaptableModule> modules)
    {
        IEnumerable<string> candidates = modules.Where(m => m.Kind is ModuleKind.Linear or ModuleKind.Conv1D or ModuleKind.Conv2d or ModuleKind.Embedding)
            .Select(m => m.Path[(m.Path.LastIndexOf('.') + 1)..]).Distinct();
        string but = config.ExcludeModules is { } excluded ? $" after exclude_modules {excluded}" : "";
        string layers = config.LayersToTransform is { Count: > 0 } only ? $" in the layers {string.Join(", ", only)}" : "";
        return new MethodException($"target_modules {config.TargetModules} matches no module{layers}{but}; this model has {string.Join(", ", candidates)}");
    }

    /// <summary>Task types with a head of their own train it.</summary>
    private static LoraConfig WithClassifiers(LoraConfig config)
    {
        string[] heads = config.TaskType switch
        {
            "SEQ_CLS" or "TOKEN_CLS" => ["classifier", "score"],
            "QUESTION_ANS" => ["qa_outputs"],
            _ => [],
        };
        string[] missing = [.. heads.Where(h => !(config.ModulesToSave?.Contains(h) ?? false))];
        return missing.Length == 0 ? config : config with { ModulesToSave = [.. config.ModulesToSave ?? [], .. missing] };
    }

    /// <summary>The path at or above <paramref name="path"/> that modules_to_save names; PEFT compares ends of paths, not whole parts.</summary>
    private static string? SavedRoot(LoraConfig config, string path)
    {
        for (int end = path.Length; end > 0; end = path.LastIndexOf('.', end - 1))
        {
            string part = path[..end];
            if (config.ModulesToSave?.Any(name => part.EndsWith(name, StringComparison.Ordinal)) ?? false)
                return part;
        }

        return null;
    }

    private static List<AdapterTensor> Named(
        LoraConfig config, IReadOnlyList<AdaptableModule> modules, List<LoraSite> sites, List<AdaptableModule> whole)
    {
        List<AdapterTensor> tensors = [];
        foreach (LoraSite site in sites)
            tensors.AddRange(Of(config, site));

        HashSet<string> targeted = [.. sites.Select(s => s.Module.Path)];
        HashSet<string> saved = [.. whole.Select(m => m.Path)];
        foreach (AdaptableModule module in modules)
        {
            string name = NamePrefix + module.Path;
            if (saved.Contains(module.Path))
            {
                SaveWhole(config, module, tensors);
            }
            else if (module.HasBias && (config.Bias == LoraBiasMode.All || (config.Bias == LoraBiasMode.LoraOnly && targeted.Contains(module.Path))))
            {
                tensors.Add(new AdapterTensor(name + (targeted.Contains(module.Path) ? ".base_layer.bias" : ".bias"), [module.OutFeatures], module.Path));
            }
        }

        if (SavesEmbeddings(config, sites))
            foreach (AdaptableModule module in sites.Select(s => s.Module).Where(m => m.Kind == ModuleKind.Embedding || m.IsOutputHead))
                tensors.Add(new AdapterTensor($"{NamePrefix}{module.Path}.base_layer.weight", module.WeightShape, module.Path, AdapterTensorSource.Base));
        tensors.Sort((a, b) => string.CompareOrdinal(a.Name, b.Name));
        return tensors;
    }

    private static void SaveWhole(LoraConfig config, AdaptableModule module, List<AdapterTensor> tensors)
    {
        tensors.Add(new AdapterTensor($"{NamePrefix}{module.Path}.weight", module.WeightShape, module.Path));
        if (!module.HasBias)
            return;
        tensors.Add(new AdapterTensor($"{NamePrefix}{module.Path}.bias", [module.OutFeatures], module.Path));
        if (config.Bias != LoraBiasMode.All)
            return;

        // "Every bias of the model" includes those of the module that was replaced and of its copy, under the names that they have inside PEFT.
        string root = SavedRoot(config, module.Path)!;
        string below = module.Path[root.Length..];
        tensors.Add(new AdapterTensor($"{NamePrefix}{root}.modules_to_save{below}.bias", [module.OutFeatures], module.Path, AdapterTensorSource.CopyOfTrained));
        tensors.Add(new AdapterTensor($"{NamePrefix}{root}.original_module{below}.bias", [module.OutFeatures], module.Path, AdapterTensorSource.Base));
    }

    private static IEnumerable<AdapterTensor> Of(LoraConfig config, LoraSite site)
    {
        string name = NamePrefix + site.Module.Path;
        (int rank, int input, int output) = (site.Rank, site.Module.InFeatures, site.Module.OutFeatures);
        bool table = site.Module.Kind == ModuleKind.Embedding;
        if (site.Module is { Kind: ModuleKind.Conv2d } c)
        {
            // A reads all planes, whatever the groups; B keeps to them.
            yield return new AdapterTensor(name + ".lora_A.weight", [rank, input, c.KernelHeight, c.KernelWidth], c.Path);
            yield return new AdapterTensor(name + ".lora_B.weight", [output, rank / c.Groups, 1, 1], c.Path);
        }
        else
        {
            yield return new AdapterTensor(name + (table ? ".lora_embedding_A" : ".lora_A.weight"), [rank, input], site.Module.Path);
            yield return new AdapterTensor(name + (table ? ".lora_embedding_B" : ".lora_B.weight"), [output, rank], site.Module.Path);
        }
        if (config.LoraBias)
            yield return new AdapterTensor(name + ".lora_B.bias", [output], site.Module.Path);
        if (config.UseDora)
            yield return new AdapterTensor(name + ".lora_magnitude_vector", [output], site.Module.Path);
    }

    /// <summary>PEFT saves the frozen embedding (and head) under LoRA when the targets name it by one of its usual names.</summary>
    private static bool SavesEmbeddings(LoraConfig config, List<LoraSite> sites)
    {
        if (config.Others.TryGetPropertyValue(LoraConfig.TokenKey, out var tokens) && tokens is not null)
            return false;
        if (config.TargetModules!.Pattern is null)
            return EmbeddingNames.Any(config.TargetModules.Names.Contains);
        return sites.Any(s => EmbeddingNames.Any(e => s.Module.Path == e || s.Module.Path.EndsWith("." + e, StringComparison.Ordinal)));
    }
}
