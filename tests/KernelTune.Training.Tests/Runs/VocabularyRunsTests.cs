using System.Text.Json.Nodes;
using KernelTune.Checkpoints;
using KernelTune.Devices.Cpu;
using KernelTune.Devices.Memory;
using KernelTune.Devices.Shapes;
using KernelTune.Methods;
using KernelTune.Text;
using KernelTune.Training.Recipes;
using KernelTune.Training.Runs;

namespace KernelTune.Training.Tests.Runs;

/// <summary>Runs that add tokens to the vocabulary: whose rows train, what is saved, and that it loads, answers and merges with the new size.</summary>
public sealed class VocabularyRunsTests
{
    private const string Rows = "base_model.model.model.embed_tokens.token_adapter.trainable_tokens_delta", HeadRows = "base_model.model.lm_head.token_adapter.trainable_tokens_delta";

    private TinyWorld world = null!;
    private CpuDevice device = null!;

    [SetUp]
    public void SetUp()
    {
        (world, device) = (new TinyWorld(), new CpuDevice(1));
        // The answers are new tokens; each costs one.
        world.Rows("train.jsonl", 2, row: i => i == 0 ? ("left?", "<a><b>") : ("right, then?", "<b>!<a>"));
    }

    [TearDown]
    public void TearDown()
    {
        Assert.That(device.Outstanding, Is.Zero, "device bytes after the test");
        device.Dispose();
        world.Dispose();
    }

    private Recipe Recipe(MethodKind method, string output = "run", int? multiple = 8, int steps = 80)
    {
        var recipe = world.Recipe(method, output);
        return recipe with { Tokenizer = new TokenizerSettings { AddTokens = ["<a>", "<s>", "<b>"], PadToMultipleOf = multiple }, Training = recipe.Training with { MaxSteps = steps } };
    }

    private void Untie()
    {
        world.Configure(c => c["tie_word_embeddings"] = false);
        world.Weights();
    }

    private int VocabularyOf(string folder) => (int)JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "config.json")))!["vocab_size"]!;

    private void Answers(string model, string? adapter)
    {
        using var loaded = LoadedModel.Open(model, adapter, device);
        Assert.That((loaded.Text.Tokenizer.TokenToId("<a>"), loaded.Text.Tokenizer.TokenToId("<b>"), loaded.Text.Tokenizer.VocabSize), Is.EqualTo((259, 260, 261)));
        using var run = new GenerateRun(loaded, GenerateRun.Defaults(loaded, []));
        var answers = run.Answer([loaded.Text.Tokenizer.EncodeIds("left?"), loaded.Text.Tokenizer.EncodeIds("right, then?")]);
        Assert.That(answers.Select(a => a.Text), Is.EqualTo(new[] { "<a><b>", "<b>!<a>" }));
        Assert.That(answers[0].Tokens, Is.EqualTo(new[] { 259, 260, 257 }), "one id a token");
    }

    [TestCase(false)]
    [TestCase(true)]
    public void Whole_tables_train_and_are_saved_with_their_new_size(bool untied)
    {
        if (untied)
            Untie();
        var recipe = Recipe(MethodKind.Full);
        var (_, events) = Drive.Train(recipe, device);
        var notes = events.OfType<NoteEvent>().Select(n => n.Text).ToArray();
        Assert.That(notes, Has.One.EqualTo("tokenizer.add_tokens: \"<s>\" is a token already and adds nothing"));
        Assert.That(notes, Has.One.EqualTo("tokenizer.add_tokens: \"<a>\", \"<b>\" are 259 to 260; the tables have 264 rows instead of 259"));
        string final = Path.Combine(recipe.Output, "final");
        Assert.That(VocabularyOf(final), Is.EqualTo(264));
        using var saved = SafetensorsFile.Open(Path.Combine(final, "model.safetensors"));
        foreach (string table in untied ? ["model.embed_tokens.weight", "lm_head.weight"] : new[] { "model.embed_tokens.weight" })
            Assert.That(saved.Get(table).Shape, Is.EqualTo(new[] { 264L, 32L }));
        Answers(final, null);
    }

    [TestCase(false)]
    [TestCase(true)]
    public void Rows_of_new_tokens_train_beside_the_factors_and_are_saved_alone(bool untied)
    {
        if (untied)
            Untie();
        var recipe = Recipe(MethodKind.Lora);
        var (_, learned) = Drive.Train(recipe, device);
        string final = Path.Combine(recipe.Output, "final");
        using (var adapter = SafetensorsFile.Open(Path.Combine(final, "adapter_model.safetensors")))
        {
            Assert.That(adapter.Names.Where(n => !n.Contains("lora_", StringComparison.Ordinal)), Is.EquivalentTo(new[] { Rows, HeadRows }));
            Assert.That((adapter.Get(Rows).Shape, adapter.Get(HeadRows).Shape), Is.EqualTo((new[] { 2L, 32L }, new[] { 2L, 32L })));
            Assert.That(adapter.ReadF32(Rows), untied ? Is.Not.EqualTo(adapter.ReadF32(HeadRows)) : Is.EqualTo(adapter.ReadF32(HeadRows)));
        }
        var indices = JsonNode.Parse(File.ReadAllText(Path.Combine(final, "adapter_config.json")))!["trainable_token_indices"]!.ToJsonString();
        Assert.That(indices, Is.EqualTo(untied ? "{\"lm_head\":[259,260],\"model.embed_tokens\":[259,260]}" : "[259,260]"));
        Assert.That(VocabularyOf(final), Is.EqualTo(264), "the size that the base gets again");
        Answers(world.Model, final);

        var (_, drift) = Merging.Run(world.Model, final, world["merged"], device);
        Assert.That(drift.Most, Is.LessThan(1e-4));
        Assert.That(VocabularyOf(world["merged"]), Is.EqualTo(264));
        using (var merged = SafetensorsFile.Open(Path.Combine(world["merged"], "model.safetensors")))
            Assert.That(merged.Names.Contains("lm_head.weight"), Is.EqualTo(untied), "a tied head stays tied");
        Answers(world["merged"], null);

        // A second stage on the adapter needs no recipe's tokens.
        var more = recipe with { Tokenizer = null, Adapter = final, Output = world["more"], Training = recipe.Training with { MaxSteps = 1 } };
        var (_, events) = Drive.Train(more, device);
        double judged = EvaluateRun.SideBySide(new EvaluateRequest(world.Model, final, recipe.Data.Train, recipe.Data), device)[1].Loss.Mean;
        Assert.That(Drive.Losses(events)[0], Is.EqualTo(judged).Within(1e-5).And.LessThan(Drive.Losses(learned)[0] / 2), "it goes on from what was learned");
        Assert.That(VocabularyOf(Path.Combine(more.Output, "final")), Is.EqualTo(264));
    }

    [Test]
    public void An_adapter_without_a_configuration_gets_a_row_for_each_token()
    {
        var recipe = Recipe(MethodKind.Lora, multiple: null);
        Drive.Train(recipe, device);
        string final = Path.Combine(recipe.Output, "final");
        File.Delete(Path.Combine(final, "config.json"));
        using var loaded = LoadedModel.Open(world.Model, final, device);
        Assert.That(loaded.Model.VocabularySize, Is.EqualTo(261));
    }

    /// <summary>Before the first step a new row is the mean of the old ones, in the table and in a head of its own, and the old ones are as they were.</summary>
    [Test]
    public void New_rows_begin_as_the_mean()
    {
        Untie();
        var recipe = Recipe(MethodKind.Full, multiple: 64, steps: 1) with { Optimizer = new OptimizerSettings { LearningRate = 0 } };
        Drive.Train(recipe, device);
        using var plain = SafetensorsFile.Open(Path.Combine(world.Model, "model.safetensors"));
        using var saved = SafetensorsFile.Open(Path.Combine(recipe.Output, "final", "model.safetensors"));
        foreach (string name in new[] { "model.embed_tokens.weight", "lm_head.weight" })
        {
            float[] before = plain.ReadF32(name), after = saved.ReadF32(name);
            Assert.That(after[..before.Length], Is.EqualTo(before));
            Assert.That(after, Has.Length.EqualTo(320 * 32));
            for (int at = before.Length; at < after.Length; at++)
            {
                double mean = Enumerable.Range(0, 259).Average(row => (double)before[(row * 32) + (at % 32)]);
                Assert.That(after[at], Is.EqualTo(mean).Within(1e-7), $"{name}, row {at / 32}");
            }
        }
    }

    [Test]
    public void Spare_rows_are_taken_before_tables_grow()
    {
        world.Configure(c => c["vocab_size"] = 272);
        world.Weights();
        var recipe = Recipe(MethodKind.Lora, multiple: 64);
        var (_, events) = Drive.Train(recipe, device);
        Assert.That(events.OfType<NoteEvent>().Select(n => n.Text), Has.One.EqualTo("tokenizer.add_tokens: \"<a>\", \"<b>\" are 259 to 260; the tables have spare rows among their 272"));
        string final = Path.Combine(recipe.Output, "final");
        Assert.That(Path.Combine(final, "config.json"), Does.Not.Exist);
        Answers(world.Model, final);
        var still = Recipe(MethodKind.Full, "still", steps: 1) with { Optimizer = new OptimizerSettings { LearningRate = 0 } };
        Drive.Train(still, device);
        using var plain = SafetensorsFile.Open(Path.Combine(world.Model, "model.safetensors"));
        using var saved = SafetensorsFile.Open(Path.Combine(still.Output, "final", "model.safetensors"));
        float[] before = plain.ReadF32("model.embed_tokens.weight"), after = saved.ReadF32("model.embed_tokens.weight");
        Assert.That(after[(261 * 32)..], Is.EqualTo(before[(261 * 32)..]), "spare rows that nothing takes");
        Assert.That(after[259 * 32], Is.EqualTo(Enumerable.Range(0, 259).Average(row => (double)before[row * 32])).Within(1e-7));
        Assert.That(after[(259 * 32)..(260 * 32)], Is.EqualTo(after[(260 * 32)..(261 * 32)]));
    }

    [TestCase(MethodKind.Full)]
    [TestCase(MethodKind.Lora)]
    public void A_stopped_run_goes_on_to_the_same_bits(MethodKind method)
    {
        var recipe = Recipe(method, "whole", steps: 6);
        Drive.OnCpu(recipe);
        var stopped = recipe with { Output = world["stopped"] };
        Drive.OnCpu(stopped, stopAt: 3);
        Drive.OnCpu(stopped, resume: true);
        Drive.AssertSame(recipe.Output, stopped.Output, "resumed");
    }

    [TestCase(MethodKind.Full)]
    [TestCase(MethodKind.Lora)]
    public void The_plan_counts_the_rows(MethodKind method)
    {
        var recipe = Recipe(method, multiple: 64, steps: 2);
        long planned;
        using (var shapes = new ShapesDevice(device))
        using (var run = TrainingRun.Open(new RunRequest(recipe), device))
            planned = run.Plan(shapes).PeakByCategory[(int)Category.Weights];
        using (var shapes = new ShapesDevice(device))
        using (var run = TrainingRun.Open(new RunRequest(recipe with { Tokenizer = null }), device))
            Assert.That(planned - run.Plan(shapes).PeakByCategory[(int)Category.Weights], Is.InRange(method == MethodKind.Full ? 61 * 32 * 4 : 32 * 32 * 4, 64 * 32 * 4), "a frozen table lies in panels");
        Drive.Train(recipe, device);
        Assert.That(device.Ledger.AtPeak()[(int)Category.Weights], Is.EqualTo(planned));
    }

    [Test]
    public void Tables_that_train_whole_need_no_rows()
    {
        Untie();
        var recipe = Recipe(MethodKind.Lora);
        recipe = recipe with { Lora = recipe.Lora with { Config = recipe.Lora.Config with { ModulesToSave = ["embed_tokens", "lm_head"] } } };
        Drive.Train(recipe, device);
        string final = Path.Combine(recipe.Output, "final");
        Assert.That(JsonNode.Parse(File.ReadAllText(Path.Combine(final, "adapter_config.json")))!["trainable_token_indices"], Is.Null);
        Answers(world.Model, final);
    }

    [Test]
    public void What_a_recipe_trains_already_stays_beside_the_new_rows()
    {
        var config = new LoraConfig { TrainableTokenIndices = [5, 259] };
        Assert.That(config.AlsoTraining([259, 260], "e", ["e"], byTable: false).TrainableTokenIndices, Is.EqualTo(new[] { 5, 259, 260 }));
        var byTable = config.AlsoTraining([259, 260], "m.e", ["m.e", "h"], byTable: true);
        Assert.That(byTable.TrainableTokensByTable.Select(t => $"{t.Key}: {string.Join(' ', t.Value)}"), Is.EqualTo(new[] { "m.e: 5 259 260", "h: 259 260" }));
        Assert.That(byTable.AlsoTraining([260], "m.e", ["m.e", "h"], byTable: true).TrainableTokensByTable, Is.EqualTo(byTable.TrainableTokensByTable), "again");
    }

    [Test]
    public void Rules()
    {
        string[] Broken(TokenizerSettings tokenizer, MethodKind method = MethodKind.Full) => [.. RecipeRules.Problems(world.Recipe(method) with { Tokenizer = tokenizer }).Select(p => $"{p.Key}: {p.Text}")];
        Assert.That(Broken(new TokenizerSettings { AddTokens = ["<a>"] }), Is.Empty);
        Assert.That(Broken(new TokenizerSettings()), Is.EqualTo(new[] { "tokenizer.add_tokens: missing: the tokens to add" }));
        Assert.That(Broken(new TokenizerSettings { AddTokens = ["<a>", ""] }), Is.EqualTo(new[] { "tokenizer.add_tokens: found an empty token, wanted text" }));
        Assert.That(Broken(new TokenizerSettings { AddTokens = ["<a>", "<b>", "<a>"] }), Is.EqualTo(new[] { "tokenizer.add_tokens: found '<a>' twice, wanted each token once" }));
        Assert.That(Broken(new TokenizerSettings { AddTokens = ["<a>"], PadToMultipleOf = 0 }), Is.EqualTo(new[] { "tokenizer.pad_to_multiple_of: found 0, wanted 1 or more" }));
        Assert.That(Broken(new TokenizerSettings { AddTokens = ["<a>"] }, MethodKind.Ia3), Is.EqualTo(new[] { "tokenizer.add_tokens: method: ia3 would leave new tokens' rows as they begin; full and lora train them" }));
    }
}
