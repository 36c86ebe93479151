using KernelTune.Cli.Recipes;
using KernelTune.Methods;
using KernelTune.Training.Recipes;

namespace KernelTune.Cli.Tests.Recipes;

/// <summary>The blocks of the methods that are not LoRA: what they say, what they refuse, and that what is written reads back.</summary>
public sealed class MethodBlockTests
{
    private const string Small = "model: m\ndata: { train: t.jsonl }\n";

    private static Recipe Read(string text) => RecipeReader.Parse(text, "/home/r/recipe.yaml");

    private static string Message(string text) => Assert.Throws<RecipeException>(() => Read(text))!.Message;

    [Test]
    public void A_prompt()
    {
        var recipe = Read(Small + "method: prompt\nprompt: { num_virtual_tokens: 8, prompt_tuning_init: text, prompt_tuning_init_text: \"Say: yes\" }\n");
        Assert.That((recipe.Method, recipe.Prompt.NumVirtualTokens, recipe.Prompt.Init, recipe.Prompt.InitText), Is.EqualTo((MethodKind.Prompt, 8, PromptInit.Text, "Say: yes")));
        Assert.That(Read(Small + "method: prompt\n").Prompt, Is.EqualTo(new PromptTuningConfig()));
    }

    [Test]
    public void A_prefix()
    {
        var recipe = Read(Small + "method: prefix\nprefix: { num_virtual_tokens: 6, prefix_projection: true, encoder_hidden_size: 64, init_weights: zero }\n");
        Assert.That(recipe.Prefix, Is.EqualTo(new PrefixTuningConfig { NumVirtualTokens = 6, PrefixProjection = true, EncoderHiddenSize = 64, InitZero = true }));
    }

    [Test]
    public void A_bottleneck_begins_as_the_configuration_that_it_names()
    {
        var recipe = Read(Small + "method: adapter\nbottleneck: { config: parallel, reduction_factor: 8, scaling: learned, leave_out: [0, 3], non_linearity: gelu }\n");
        Assert.That(recipe.Bottleneck with { LeaveOut = [] }, Is.EqualTo(BottleneckConfig.Named("parallel") with { ReductionFactor = 8, ScalingKind = BottleneckScaling.Learned, Scaling = 1, NonLinearity = "gelu", LeaveOut = [] }));
        Assert.That(recipe.Bottleneck.LeaveOut, Is.EqualTo(new[] { 0, 3 }));
        Assert.That(Read(Small + "method: adapter\n").Bottleneck, Is.EqualTo(BottleneckConfig.Named("pfeiffer")));
        var factors = Read(Small + "method: adapter\nbottleneck: { reduction_factor: { 1: 4, default: 16 } }\n").Bottleneck;
        Assert.That((factors.Width(1, 64), factors.Width(0, 64)), Is.EqualTo((16, 4)));
    }

    [Test]
    public void Ia3_and_bitfit()
    {
        var recipe = Read(Small + "method: ia3\nia3: { target_modules: [k_proj, down_proj], feedforward_modules: [down_proj] }\n");
        Assert.That(recipe.Ia3.TargetModules!.Names, Is.EqualTo(new[] { "k_proj", "down_proj" }));
        Assert.That(recipe.Ia3.FeedforwardModules!.Names, Is.EqualTo(new[] { "down_proj" }));
        Assert.That(Read(Small + "method: bitfit\nbitfit: { add_biases: true }\n").BitFit.AddBiases, Is.True);
    }

    [TestCase("method: prompt\nprompt: { num_virtual_tokens: 8, prompt_tuning_init: text, prompt_tuning_init_text: \"a: \\\"b\\\"\" }\n")]
    [TestCase("method: prefix\nprefix: { prefix_projection: true, encoder_hidden_size: 9, modules_to_save: [lm_head] }\n")]
    [TestCase("method: adapter\nbottleneck: { config: scaled_parallel, reduction_factor: { 1: 4, default: 16 }, leave_out: [2], dropout: 0.1 }\n")]
    [TestCase("method: adapter\nbottleneck: { config: houlsby, scaling: channel, ln_before: true }\n")]
    [TestCase("method: adapter\nbottleneck: { config: parallel }\n")]
    [TestCase("method: ia3\nia3: { target_modules: '.*(k|v)_proj', feedforward_modules: [], exclude_modules: [layers.0.k_proj], init_ia3_weights: false }\n")]
    [TestCase("method: bitfit\nbitfit: { add_biases: true }\n")]
    [TestCase("method: bitfit\nbitfit: { modules_to_save: [classifier.1] }\n")]
    public void What_is_written_reads_back(string text)
    {
        string written = RecipeWriter.Write(Read(Small + text));
        Assert.That(RecipeWriter.Write(Read(written)), Is.EqualTo(written));
        Assert.That(written, Does.Contain(text.Split('\n')[0]).And.Contain(text.Split('\n')[1].Split(':')[0] + ":\n"));
    }

    [TestCase("method: adapter\nadapter: { config: houlsby }\n", "/home/r/recipe.yaml:4:10: adapter: found a mapping, wanted the folder of an adapter to start from; the settings of method: adapter are those of bottleneck")]
    [TestCase("method: prefix\nprefix: { num_virtual_tokens: 0 }\n", "/home/r/recipe.yaml:4:31: prefix.num_virtual_tokens: found 0, wanted 1 or more")]
    [TestCase("method: prompt\nprompt: { prompt_tuning_init: text }\n", "prompt.prompt_tuning_init_text: missing: prompt_tuning_init is text")]
    [TestCase("method: prompt\nprompt: { prompt_tuning_init: words }\n", "/home/r/recipe.yaml:4:31: prompt.prompt_tuning_init: found words, wanted random, text, sample_vocab")]
    [TestCase("method: adapter\nbottleneck: { config: compacter }\n", "/home/r/recipe.yaml:4:23: bottleneck.config: compacter is not built yet in this version; it has pfeiffer, houlsby, parallel")]
    [TestCase("method: adapter\nbottleneck: { use_gating: true }\n", "/home/r/recipe.yaml:4:15: bottleneck.use_gating: not built yet in this version")]
    [TestCase("method: adapter\nbottleneck: { reduction_factor: 0 }\n", "bottleneck: reduction_factor is 0, wanted a finite number above 0")]
    [TestCase("method: adapter\nbottleneck: { non_linearity: wobble }\n", "bottleneck: the non_linearity 'wobble' is not known")]
    [TestCase("task: image-classification\nmethod: prefix\nhead: {}\n", "/home/r/recipe.yaml:4:9: method: found prefix, which needs sequences of tokens: pictures want full, head-only, lora, ia3 or bitfit")]
    [TestCase("task: image-classification\nmethod: adapter\n", "/home/r/recipe.yaml:4:9: method: found adapter, which needs sequences of tokens")]
    [TestCase("method: ia3\nia3: { target_modules: '(' }\n", "/home/r/recipe.yaml:4:24: ia3.target_modules: target_modules: '(' is no regular expression")]
    public void What_cannot_be_is_explained(string text, string message) => Assert.That(Message(Small + text), Does.Contain(message));

    [TestCase("prompt")]
    [TestCase("prefix")]
    public void Virtual_tokens_do_not_pack(string method)
    {
        Assert.That(Read($"model: m\nmethod: {method}\ndata: {{ train: t.jsonl }}\n").Data.Packing, Is.False, "where nothing is said");
        Assert.That(Message($"model: m\nmethod: {method}\ndata: {{ train: t.jsonl, packing: true }}\n"),
            Does.Contain($"data.packing: virtual tokens stand in front of every sequence, so method: {method} needs packing: false"));
        Assert.That(Read("model: m\nmethod: ia3\ndata: { train: t.jsonl }\n").Data.Packing, Is.True);
    }
}
