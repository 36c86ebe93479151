using KernelTune.Data;
using KernelTune.Methods;
using KernelTune.Training.Recipes;

namespace KernelTune.Training.Tests.Recipes;

/// <summary>The rules hold for recipes made in code, too. Fault numbers are those of the faults' page.</summary>
public sealed class RecipeRulesTests
{
    private static readonly Recipe Good = new() { Model = "m", Output = "o", Data = new DataSettings { Train = [new("t.jsonl")] } };

    private static LoraSettings Config(LoraConfig config) => new() { Config = config };

    private static IEnumerable<TestCaseData> Broken()
    {
        static TestCaseData Case(string message, Func<Recipe, Recipe> change) => new TestCaseData(message, change).SetName(message);

        static Recipe Rate(Recipe r, double rate) => r with { Optimizer = new OptimizerSettings { LearningRate = rate } };
        yield return Case("optimizer.learning_rate: found NaN, wanted a finite number, 0 or more", r => Rate(r, double.NaN));
        yield return Case("optimizer.learning_rate: found Infinity, wanted a finite number, 0 or more", r => Rate(r, double.PositiveInfinity));
        yield return Case("optimizer.learning_rate: found -0.1, wanted a finite number, 0 or more", r => Rate(r, -0.1));
        yield return Case("training.batch_size: found 0, wanted 1 or more", r => r with { Training = new TrainingSettings { BatchSize = 0 } });
        yield return Case("lora.r: found 0, wanted 1 or more", r => r with { Lora = Config(new LoraConfig { R = 0 }) });
        yield return Case("lora.r: found -4, wanted 1 or more", r => r with { Lora = Config(new LoraConfig { R = -4 }) });
        yield return Case("lora.lora_dropout: found 1, wanted a probability in [0, 1)", r => r with { Lora = Config(new LoraConfig { LoraDropout = 1 }) });
        yield return Case("lora.rank_pattern.q: found 0, wanted 1 or more", r => r with { Lora = Config(new LoraConfig { RankPattern = [new("q", 0)] }) });
        yield return Case("model: missing: a model folder, a .gguf file, or org/name in the Hugging Face cache", r => r with { Model = "" });
        yield return Case("data.train: missing: the file of training examples", r => r with { Data = new DataSettings() });
        yield return Case("data.validation: found 1, wanted a share in (0, 1), or a file", r => r with { Data = r.Data with { ValidationShare = 1 } });
        yield return Case("optimizer.betas: found 1, wanted two numbers in [0, 1)", r => r with { Optimizer = new OptimizerSettings { Beta2 = 1 } });
        yield return Case("version: found 2, newer than this program's 1", r => r with { Version = 2 });
        yield return Case("device: found gpu, wanted auto, cpu, cuda[:n], opencl[:n], simulated or reference", r => r with { Device = "gpu" });
        yield return Case("adapter: an adapter to start from needs an adapter's method, such as lora", r => r with { Method = MethodKind.Full, Adapter = "a" });
        yield return Case("training.early_stopping: it needs data.validation", r => r with { Training = new TrainingSettings { EarlyStopping = new EarlyStopping() } });
        yield return Case("training.early_stopping.metric: found f1, wanted one of evaluation.metrics: loss, perplexity",
            r => r with { Training = new TrainingSettings { EarlyStopping = new EarlyStopping("f1") }, Data = r.Data with { ValidationShare = 0.1 } });
        yield return Case("memory_limit: found 0, wanted more than 0 bytes, or none", r => r with { MemoryLimit = 0 });
    }

    [Test]
    public void A_recipe_of_model_and_data_is_good() => Assert.That(RecipeRules.Problems(Good), Is.Empty);

    [TestCaseSource(nameof(Broken))]
    public void A_broken_rule_is_named(string message, Func<Recipe, Recipe> change) =>
        Assert.That(() => RecipeRules.Check(change(Good)), Throws.TypeOf<RecipeException>().With.Message.EqualTo(message));

    [Test]
    public void What_the_method_refuses_is_named() =>
        Assert.That(() => RecipeRules.Check(Good with { Lora = Config(new LoraConfig { LayersPattern = ["h"] }) }),
            Throws.TypeOf<RecipeException>().With.Message.EqualTo("lora: layers_pattern wants layers_to_transform beside it"));

    [TestCase("0:120", 0, 120)]
    [TestCase(":16", 0, 16)]
    [TestCase("40:", 40, null)]
    public void Rows_are_a_half_open_range(string text, int begin, int? end) => Assert.That(ExampleRange.Parse(text), Is.EqualTo(new ExampleRange(begin, end)));

    [TestCase("120")]
    [TestCase("5:5")]
    [TestCase("-1:5")]
    [TestCase("1:2:3")]
    [TestCase("a:b")]
    [TestCase("0:99999999999999999999")]
    public void Other_text_is_no_range(string text) => Assert.That(ExampleRange.Parse(text), Is.Null);
}
