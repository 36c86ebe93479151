using System.Text;
using KernelTune.Checkpoints;

namespace KernelTune.Methods.Tests;

public sealed class LoraPlanTests
{
    private static readonly AdaptableModule[] Llama =
    [
        new("model.embed_tokens", ModuleKind.Embedding, 96, 32),
        .. Enumerable.Range(0, 3).SelectMany(i => new AdaptableModule[]
        {
            new($"model.layers.{i}.self_attn.q_proj", ModuleKind.Linear, 32, 32, HasBias: true), new($"model.layers.{i}.self_attn.v_proj", ModuleKind.Linear, 32, 16),
            new($"model.layers.{i}.mlp.down_proj", ModuleKind.Linear, 56, 32), new($"model.layers.{i}.input_layernorm", ModuleKind.Norm, 32, 32),
        }),
        new("model.norm", ModuleKind.Norm, 32, 32),
        new("lm_head", ModuleKind.Linear, 32, 96, IsOutputHead: true),
    ];

    private static string[] Sites(LoraConfig config) => [.. LoraPlan.Make(config, Llama, "llama").Sites.Select(s => s.Module.Path)];

    private static LoraConfig On(params string[] names) => new() { TargetModules = ModuleSelection.Of(names) };

    [Test]
    public void Without_targets_the_model_type_decides() =>
        Assert.That(Sites(new LoraConfig()).Distinct().Count(), Is.EqualTo(6));

    [Test]
    public void A_model_type_without_defaults_wants_targets() =>
        Assert.That(
            () => LoraPlan.Make(new LoraConfig(), Llama, "novel"),
            Throws.TypeOf<MethodException>().With.Message.EqualTo("target_modules is not given, and models of type 'novel' have no default: name the layers, or say all-linear"));

    [Test]
    public void A_name_matches_at_a_dot_only() => Assert.That(() => Sites(On("proj")), Throws.TypeOf<MethodException>());

    [Test]
    public void A_name_may_span_parts() => Assert.That(Sites(On("1.mlp.down_proj")), Is.EqualTo(new[] { "model.layers.1.mlp.down_proj" }));

    [Test]
    public void All_linear_leaves_out_the_head_and_is_spelt_out()
    {
        LoraPlan plan = LoraPlan.Make(new LoraConfig { TargetModules = ModuleSelection.Matching("All-Linear") }, Llama, "llama");
        Assert.That(plan.Sites.Count, Is.EqualTo(9));
        Assert.That(plan.Config.TargetModules!.Names, Is.EqualTo(plan.Sites.Select(s => s.Module.Path)));
    }

    [Test]
    public void A_long_list_is_condensed_to_the_ends_that_tell_it_apart()
    {
        AdaptableModule[] deep = [.. Enumerable.Range(0, 12).SelectMany(i => new AdaptableModule[] { new($"m.{i}.a.q", ModuleKind.Linear, 4, 4), new($"m.{i}.b.k", ModuleKind.Linear, 4, 4), new($"m.{i}.c.k", ModuleKind.Linear, 4, 4) })];
        ModuleSelection some = ModuleSelection.Of(deep.Where(m => !m.Path.Contains(".c.", StringComparison.Ordinal)).Select(m => m.Path));
        Assert.That(LoraTargets.Spelt(some, deep).Names, Is.EquivalentTo(new[] { "q", "b.k" }));
        Assert.That(LoraTargets.Spelt(ModuleSelection.Matching("all-linear"), deep).Names, Is.EquivalentTo(new[] { "q", "k" }));
    }

    [Test]
    public void An_expression_must_match_the_whole_path() =>
        Assert.That(Sites(new LoraConfig { TargetModules = ModuleSelection.Matching(@"model\.layers\.[02]\..*q_proj") }), Is.EqualTo(new[] { "model.layers.0.self_attn.q_proj", "model.layers.2.self_attn.q_proj" }));

    [Test]
    public void A_broken_expression_is_named() =>
        Assert.That(() => ModuleSelection.Matching("(q_proj"), Throws.TypeOf<MethodException>().With.Message.StartsWith("target_modules: '(q_proj' is no regular expression: "));

    [Test]
    public void Exclusions_are_names_or_an_expression()
    {
        LoraConfig config = On("q_proj");
        Assert.That(Sites(config with { ExcludeModules = ModuleSelection.Of("0.self_attn.q_proj") }), Has.Length.EqualTo(2));
        Assert.That(Sites(config with { ExcludeModules = ModuleSelection.Matching(@".*\.[01]\..*") }), Is.EqualTo(new[] { "model.layers.2.self_attn.q_proj" }));
    }

    [Test]
    public void Layers_narrow_names_but_not_full_paths()
    {
        LoraConfig config = On("q_proj", "model.layers.0.mlp.down_proj") with { LayersToTransform = [1, 2] };
        string[] wanted = ["model.layers.0.mlp.down_proj", "model.layers.1.self_attn.q_proj", "model.layers.2.self_attn.q_proj"];
        Assert.That(Sites(config), Is.EqualTo(wanted));
        Assert.That(Sites(config with { LayersPattern = ["h", "layers"] }), Is.EqualTo(wanted));
        Assert.That(Sites(config with { LayersPattern = ["h"] }), Is.EqualTo(wanted[..1]));
    }

    [Test]
    public void A_module_that_trains_whole_is_no_target()
    {
        LoraPlan plan = LoraPlan.Make(On("q_proj", "lm_head") with { ModulesToSave = ["lm_head"] }, Llama, "llama");
        Assert.That(plan.Sites.Count, Is.EqualTo(3));
        Assert.That(plan.Tensors.Select(t => t.Name), Does.Contain("base_model.model.lm_head.weight"));
    }

    [Test]
    public void Fault_47_targets_that_match_nothing_list_the_candidates() =>
        Assert.That(
            () => Sites(On("c_attn") with { LayersToTransform = [1] }),
            Throws.TypeOf<MethodException>().With.Message.EqualTo("target_modules [c_attn] matches no module in the layers 1; this model has embed_tokens, q_proj, v_proj, down_proj, lm_head"));

    [Test]
    public void Fault_46_a_rank_below_one_is_refused([Values(0, -3)] int rank)
    {
        Assert.That(() => Sites(new LoraConfig { R = rank }), Throws.TypeOf<MethodException>().With.Message.EqualTo($"r is {rank}, wanted 1 or more"));
        Assert.That(
            () => Sites(new LoraConfig { RankPattern = [new("q_proj", rank)] }),
            Throws.TypeOf<MethodException>().With.Message.EqualTo($"rank_pattern gives 'q_proj' the rank {rank}, wanted 1 or more"));
    }

    [Test]
    public void Fault_46_a_rank_above_the_smaller_side_warns()
    {
        LoraPlan plan = LoraPlan.Make(On("v_proj") with { R = 17, LayersToTransform = [0] }, Llama, "llama");
        Assert.That(plan.Warnings, Is.EqualTo(new[] { "the rank 17 at model.layers.0.self_attn.v_proj is larger than the smaller side of its weight, 32 × 16" }));
        Assert.That(LoraPlan.Make(On("v_proj") with { R = 16 }, Llama, "llama").Warnings, Is.Empty);
    }

    [Test]
    public void A_norm_or_a_container_is_no_target()
    {
        Assert.That(
            () => Sites(On("norm")),
            Throws.TypeOf<MethodException>().With.Message.EqualTo("target_modules [norm] matches model.norm, a Norm: LoRA goes on Linear, Conv1D, Conv2d and Embedding"));
        Assert.That(() => Sites(On("mlp")), Throws.TypeOf<MethodException>().With.Message.StartsWith("target_modules [mlp] matches model.layers.0.mlp, which holds other modules"));
    }

    [Test]
    public void Scales_are_alpha_over_rank_or_over_its_root_and_the_first_pattern_counts()
    {
        LoraConfig config = On("q_proj", "down_proj") with
        {
            R = 4, LoraAlpha = 8, RankPattern = [new(@"layers\.1\..*q_proj", 16), new("q_proj", 2)], AlphaPattern = [new("^model.layers.0.self_attn.q_proj", 5)],
        };
        Assert.That(config.ScaleOf("model.layers.0.self_attn.q_proj"), Is.EqualTo(2.5));
        Assert.That(config.ScaleOf("model.layers.1.self_attn.q_proj"), Is.EqualTo(0.5));
        Assert.That(config.ScaleOf("model.layers.1.mlp.down_proj"), Is.EqualTo(2));
        Assert.That((config with { UseRslora = true }).ScaleOf("model.layers.1.self_attn.q_proj"), Is.EqualTo(2));
    }

    [Test]
    public void Biases_train_with_the_layers_or_everywhere()
    {
        Assert.That(Biases(LoraBiasMode.LoraOnly, "v_proj"), Is.Empty);
        Assert.That(Biases(LoraBiasMode.LoraOnly, "q_proj"), Has.Length.EqualTo(3).And.All.EndsWith("q_proj.base_layer.bias"));
        Assert.That(Biases(LoraBiasMode.All, "v_proj"), Has.Length.EqualTo(3).And.All.EndsWith("q_proj.bias"));

        static string[] Biases(LoraBiasMode mode, string target) =>
            [.. LoraPlan.Make(On(target) with { Bias = mode }, Llama, "llama").Tensors.Select(t => t.Name).Where(n => n.EndsWith("bias", StringComparison.Ordinal))];
    }

    [Test]
    public void Task_types_with_a_head_train_it() =>
        Assert.That(LoraPlan.Make(new LoraConfig { TaskType = "SEQ_CLS" }, Llama, "llama").Config.ModulesToSave, Is.EqualTo(new[] { "classifier", "score" }));

    [Test]
    public void Little_is_needed_to_load_and_unknown_keys_are_dropped_by_name()
    {
        List<string> dropped = [];
        byte[] json = Encoding.UTF8.GetBytes("""{"peft_type": "LORA", "target_modules": ["q_proj"], "novel_key": 1, "use_dora": null}""");
        LoraConfig config = LoraConfigJson.Read(JsonSettings.Parse("adapter_config.json", json), dropped);
        Assert.That((config.R, config.LoraAlpha, config.UseDora), Is.EqualTo((8, 8.0, false)));
        Assert.That(dropped, Is.EqualTo(new[] { "novel_key" }));
    }

    [Test]
    public void What_plain_LoRA_does_not_have_is_named()
    {
        byte[] json = Encoding.UTF8.GetBytes("""{"peft_type": "LORA", "init_lora_weights": "eva", "use_dora": true, "trainable_token_indices": [1], "loftq_config": {}, "use_qalora": false}""");
        LoraConfig config = LoraConfigJson.Read(JsonSettings.Parse("adapter_config.json", json), []);
        Assert.That(config.BeyondPlain(fresh: true), Is.EqualTo(new[] { "use_dora", "init_lora_weights eva" }));
        Assert.That(config.BeyondPlain(fresh: false), Is.EqualTo(new[] { "use_dora" }));
        Assert.That((new LoraConfig { InitLoraWeights = "pissa_niter_4" }).BeyondPlain(fresh: false), Is.EqualTo(new[] { "init_lora_weights pissa_niter_4" }));
    }

    [Test]
    public void Another_method_is_refused() =>
        Assert.That(
            () => LoraConfigJson.Read(JsonSettings.Parse("adapter_config.json", """{"peft_type": "IA3"}"""u8.ToArray()), []),
            Throws.TypeOf<CheckpointException>().With.Message.Contains("\"IA3\" was found, \"LORA\" wanted"));

    [TestCase(1.0)]
    [TestCase(-0.1)]
    [TestCase(double.NaN)]
    public void A_dropout_out_of_range_is_refused(double dropout) =>
        Assert.That(() => Sites(new LoraConfig { LoraDropout = dropout }), Throws.TypeOf<MethodException>().With.Message.StartsWith("lora_dropout is "));
}
