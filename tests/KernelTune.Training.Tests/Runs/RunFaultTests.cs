using System.Text.Json.Nodes;
using KernelTune.Checkpoints;
using KernelTune.Data;
using KernelTune.Devices.Cpu;
using KernelTune.Devices.Reference;
using KernelTune.Devices.Shapes;
using KernelTune.Methods;
using KernelTune.Training.Recipes;
using KernelTune.Training.Runs;
using KernelTune.Training.Schedules;

namespace KernelTune.Training.Tests.Runs;

/// <summary>The faults of FAULTS.md that a run meets, by number: each one message, nothing lost.</summary>
public sealed class RunFaultTests
{
    private TinyWorld world = null!;

    [SetUp]
    public void SetUp() => world = new TinyWorld();

    [TearDown]
    public void TearDown() => world.Dispose();

    [Test]
    public void Fault14_weights_that_are_no_numbers_are_refused_without_the_flag()
    {
        world.Weights(change: (name, numbers) => { if (name == "model.norm.weight") numbers[3] = float.NaN; });
        var recipe = world.Recipe(MethodKind.Lora);
        var e = Assert.Throws<CheckpointException>(() => Drive.OnCpu(recipe));
        Assert.That(e!.Message, Does.Contain("\"model.norm.weight\": 1 NaN and 0 infinite values").And.Contain("--allow-non-finite"));
        using var device = new CpuDevice(1);
        using var run = TrainingRun.Open(new RunRequest(recipe, AllowNonFinite: true), device);
        run.Start();
        Assert.That(run.Model.TrainableElements, Is.GreaterThan(0));
    }

    [Test]
    public void Fault27_a_token_without_a_row_is_refused()
    {
        world.Configure(c => c["vocab_size"] = 258);
        world.Weights();
        Assert.That(() => Drive.OnCpu(world.Recipe(MethodKind.Lora)), Throws.TypeOf<Text.TokenizerException>().With.Message.Contains("258 rows"));
    }

    [Test]
    public void Fault43_rows_without_a_label_are_counted_and_a_step_never_divides_by_zero()
    {
        // max_length cuts every completion away.
        string rows = world.Rows("cut.jsonl", 3, row: i => (new string('p', 60), "x"));
        var recipe = world.Recipe(MethodKind.Lora);
        var none = recipe with { Data = recipe.Data with { Train = [new DataFile(rows)] } };
        Assert.That(() => Drive.OnCpu(none), Throws.TypeOf<DataException>().With.Message.Contains("none of 3 examples has a label left to learn from (3 were cut to max_length)"));

        var some = recipe with { Data = recipe.Data with { Train = [new DataFile(rows), new DataFile(world["train.jsonl"])] } };
        using var device = new CpuDevice(1);
        using var run = TrainingRun.Open(new RunRequest(some), device);
        var data = (TrainingData)run.Data;
        Assert.That(data.Accounts[0].Preparation.Unlabelled, Is.EqualTo(3));
        Assert.That(data.Train, Has.Count.EqualTo(22));
    }

    [Test]
    public void Fault44_rows_beyond_the_context_are_cut_and_counted_and_strict_refuses_them()
    {
        string rows = world.Rows("long.jsonl", 8, row: i => ("p", new string('x', 200)));
        var recipe = world.Recipe(MethodKind.Lora);
        recipe = recipe with { Data = recipe.Data with { Train = [new DataFile(rows)], MaxLength = 4096 } };
        using var device = new CpuDevice(1);
        using (var run = TrainingRun.Open(new RunRequest(recipe), device))
        {
            Assert.That(run.Recipe.Data.MaxLength, Is.EqualTo(64), "the model's positions");
            var data = (TrainingData)run.Data;
            Assert.That(data.Accounts[0].Preparation.Truncated, Is.EqualTo(8));
            Assert.That(data.Train.Max(r => r.Ids.Length), Is.EqualTo(64));
        }
        Assert.That(() => TrainingRun.Open(new RunRequest(recipe, Strict: true), device), Throws.TypeOf<DataException>().With.Message.Contains("line 1"));
        var (_, events) = Drive.Train(recipe, device);
        Assert.That(events.OfType<NoteEvent>().Select(n => n.Text), Has.Some.Contains("data.max_length 4096 is beyond the 64 positions of LlamaForCausalLM"));
    }

    [TestCase(double.NaN)]
    [TestCase(double.PositiveInfinity)]
    [TestCase(-1)]
    public void Fault45_a_learning_rate_that_is_none_is_refused(double rate)
    {
        var recipe = world.Recipe(MethodKind.Lora) with { Optimizer = new OptimizerSettings { LearningRate = rate } };
        Assert.That(() => Drive.OnCpu(recipe), Throws.TypeOf<RecipeException>().With.Message.Contains("optimizer.learning_rate"));
    }

    [Test]
    public void Fault46_a_rank_beyond_a_layer_warns_and_rank_zero_is_refused()
    {
        var recipe = world.Recipe(MethodKind.Lora);
        Recipe Ranked(int r) => recipe with { Lora = recipe.Lora with { Config = recipe.Lora.Config with { R = r } } };
        Assert.That(() => Drive.OnCpu(Ranked(0)), Throws.TypeOf<RecipeException>().With.Message.Contains("lora.r"));
        var (_, events) = Drive.OnCpu(Ranked(20));
        Assert.That(events.OfType<NoteEvent>().Select(n => n.Text), Has.Some.Contains("20").And.Contains("k_proj"));
    }

    [Test]
    public void Fault47_targets_that_match_nothing_list_what_could()
    {
        var recipe = world.Recipe(MethodKind.Lora);
        recipe = recipe with { Lora = recipe.Lora with { Config = recipe.Lora.Config with { TargetModules = ModuleSelection.Of("query") } } };
        Assert.That(() => Drive.OnCpu(recipe), Throws.TypeOf<MethodException>().With.Message.Contains("query").And.Message.Contains("q_proj"));
    }

    [Test]
    public void Fault48_an_adapter_of_another_base_is_refused()
    {
        var recipe = world.Recipe(MethodKind.Lora);
        recipe = recipe with { Lora = recipe.Lora with { Config = recipe.Lora.Config with { TargetModules = ModuleSelection.Of("q_proj", "up_proj") } } };
        Drive.OnCpu(recipe);
        string adapter = Path.Combine(recipe.Output, "final");
        world.Configure(c => c["intermediate_size"] = 48);
        world.Weights();
        var e = Assert.Throws<CheckpointException>(() => Drive.OnCpu(recipe with { Output = world["wide"], Adapter = adapter }));
        Assert.That(e!.Message, Does.Contain("mlp.").And.Contain("64").And.Contain("48"));
        world.Configure(c => { c["intermediate_size"] = 64; c["num_hidden_layers"] = 3; });
        world.Weights();
        e = Assert.Throws<CheckpointException>(() => Drive.OnCpu(recipe with { Output = world["deep"], Adapter = adapter }));
        Assert.That(e!.Message, Does.Contain("model.layers.2."));
    }

    [Test]
    public void Fault49_a_loss_that_is_no_number_ends_the_run_and_the_last_good_checkpoint_stays()
    {
        var recipe = world.Recipe(MethodKind.Lora) with
        {
            Optimizer = new OptimizerSettings { LearningRate = 1e38 },
            Schedule = new ScheduleSettings { Type = "linear", WarmupSteps = 3 },
            Training = new TrainingSettings { MaxSteps = 30, BatchSize = 4, GradientAccumulationSteps = 1 },
            Checkpoint = new CheckpointSettings { Every = 1, Keep = 2 },
        };
        var e = Assert.Throws<DivergedException>(() => Drive.OnCpu(recipe));
        Assert.That(e!.Message, Does.Contain("NaN").And.Contain("for 3 steps").And.Contain("last good checkpoint is"));
        var lines = Drive.Metrics(recipe.Output);
        Assert.That(lines[^1], Does.Contain("\"loss\":\"NaN\""), "logged as NaN");
        var found = CheckpointFolders.LastComplete(recipe.Output);
        Assert.That(found.Path, Is.Not.Null);
        Assert.That(found.Step, Is.LessThanOrEqualTo(e.Step - 3));
        using var adapter = AdapterFolder.Open(found.Path!);
        Assert.That(adapter.Weights.Names.SelectMany(n => adapter.Weights.ReadF32(n)), Has.All.Matches<float>(float.IsFinite));
        Assert.That(Directory.Exists(Path.Combine(recipe.Output, "final")), Is.False);
    }

    [Test]
    public void Fault50_a_plan_beyond_the_limit_is_refused_before_step_1()
    {
        using var device = new CpuDevice(1);
        using var shapes = new ShapesDevice(device);
        using var run = TrainingRun.Open(new RunRequest(world.Recipe(MethodKind.Full) with { MemoryLimit = 1 << 18 }), device);
        var e = Assert.Throws<MemoryPlanException>(() => run.Plan(shapes));
        Assert.That(e!.Plan.Touched, Is.GreaterThan(e.Limit));
        Assert.That(device.Touched, Is.Zero, "nothing was loaded");
        Assert.That(e.Message, Does.Match("^the run needs [0-9.]+ MiB and memory_limit is 0.25 MiB: "));
        Assert.That(Directory.Exists(run.Output), Is.False, "nothing was written");
    }

    [Test]
    public void Fault55_an_output_folder_that_is_taken_or_read_only_fails_before_step_1()
    {
        var recipe = world.Recipe(MethodKind.Lora);
        Directory.CreateDirectory(recipe.Output);
        File.WriteAllText(Path.Combine(recipe.Output, "thesis.txt"), "mine");
        var e = Assert.Throws<CheckpointStorageException>(() => Drive.OnCpu(recipe));
        Assert.That((e!.Fault, File.ReadAllText(Path.Combine(recipe.Output, "thesis.txt"))), Is.EqualTo((StorageFault.NotEmpty, "mine")));
        Assert.That(e.Message, Does.Contain("\"thesis.txt\""));

        File.WriteAllText(world["file"], "");
        Assert.That(() => Drive.OnCpu(recipe with { Output = world["file"] }), Throws.TypeOf<CheckpointStorageException>().With.Message.Contains("a folder wanted"));
        // Root may write anywhere but to what the kernel itself keeps read-only.
        Assert.That(() => Drive.OnCpu(recipe with { Output = "/proc/kerneltune" }), Throws.TypeOf<CheckpointStorageException>().With.Message.Contains("/proc/kerneltune"));
    }

    [Test]
    public void Fault56_a_flipped_bit_falls_back_to_the_checkpoint_before()
    {
        var whole = ResumeTests.Hard(world, MethodKind.Lora, false, "whole");
        Drive.OnCpu(whole);
        var recipe = whole with { Output = world["flipped"] };
        Drive.OnCpu(recipe, stopAt: 8);
        string file = Path.Combine(recipe.Output, "checkpoint-9", "trainer", "optimizer.safetensors");
        Flip(file, 5);
        var (_, events) = Drive.OnCpu(recipe, resume: true);
        Assert.That(events.OfType<ResumedEvent>().Single().Step, Is.EqualTo(8));
        Assert.That(events.OfType<NoteEvent>().Select(n => n.Text), Has.Some.Contains("optimizer.safetensors").And.Contains("an earlier checkpoint is used"));
        Drive.AssertSame(whole.Output, recipe.Output, "fallen back");

        foreach (var (_, path) in CheckpointFolders.List(recipe.Output))
            Flip(Path.Combine(path, "trainer", "optimizer.safetensors"), 6);
        Assert.That(() => Drive.OnCpu(recipe, resume: true), Throws.TypeOf<ResumeException>().With.Message.Contains("no checkpoint of"));

        static void Flip(string file, int at)
        {
            var bytes = File.ReadAllBytes(file);
            bytes[^at] ^= 1;
            File.WriteAllBytes(file, bytes);
        }
    }

    [Test]
    public void Fault57_a_stop_finishes_the_step_and_saves()
    {
        var recipe = world.Recipe(MethodKind.Lora);
        var (result, events) = Drive.OnCpu(recipe, stopAt: 2);
        Assert.That((result.End, result.Steps), Is.EqualTo((RunEnd.Interrupted, 3)));
        Assert.That(events.OfType<StepEvent>().Select(e => e.Step), Is.EqualTo(new[] { 1, 2, 3 }));
        Assert.That(CheckpointFolders.LastComplete(recipe.Output).Step, Is.EqualTo(3));
        Assert.That(Directory.Exists(Path.Combine(recipe.Output, "final")), Is.False);
    }

    public static IEnumerable<TestCaseData> Changes()
    {
        static TestCaseData Case(string name, string line, Func<Recipe, Recipe> change) => new TestCaseData(line, change).SetName($"Fault58_resume_with_another_{name}_is_refused");
        yield return Case("seed", "seed: 8", r => r with { Training = r.Training with { Seed = 8 } });
        yield return Case("batch", "batch_size: 2", r => r with { Training = r.Training with { BatchSize = 2 } });
        yield return Case("accumulation", "gradient_accumulation_steps: 3", r => r with { Training = r.Training with { GradientAccumulationSteps = 3 } });
        yield return Case("rank", "r: 6", r => r with { Lora = r.Lora with { Config = r.Lora.Config with { R = 6 } } });
        yield return Case("rate", "learning_rate: 0.5", r => r with { Optimizer = r.Optimizer with { LearningRate = 0.5 } });
        yield return Case("schedule", "type: linear", r => r with { Schedule = new ScheduleSettings { Type = "linear" } });
        yield return Case("order", "shuffle: true", r => r with { Data = r.Data with { Shuffle = true } });
        yield return Case("method", "method: full", r => r with { Method = MethodKind.Full });
    }

    [TestCaseSource(nameof(Changes))]
    public void Fault58(string line, Func<Recipe, Recipe> change)
    {
        var recipe = world.Recipe(MethodKind.Lora);
        Drive.OnCpu(recipe, stopAt: 2);
        string[] before = Directory.GetFileSystemEntries(recipe.Output, "*", SearchOption.AllDirectories);
        Assert.That(() => Drive.OnCpu(change(recipe), resume: true), Throws.TypeOf<ResumeException>().With.Message.Contains($"the recipe now says «{line}»"));
        Assert.That(Directory.GetFileSystemEntries(recipe.Output, "*", SearchOption.AllDirectories), Is.EquivalentTo(before));
    }

    [Test]
    public void Fault58_resume_with_other_data_or_another_base_is_refused_and_with_more_steps_goes_on()
    {
        var recipe = world.Recipe(MethodKind.Lora);
        Drive.OnCpu(recipe, stopAt: 2);
        var moved = recipe with { Data = recipe.Data with { Train = [new DataFile(world.Rows("other.jsonl", 22, 50))] } };
        Assert.That(() => Drive.OnCpu(moved, resume: true), Throws.TypeOf<ResumeException>().With.Message.Contains("the training data has changed since"));
        Assert.That(() => Drive.OnCpu(recipe with { Training = recipe.Training with { MaxSteps = 2 } }, resume: true),
            Throws.TypeOf<ResumeException>().With.Message.Contains("3 steps are done; the recipe now asks for 2"));

        File.Copy(world["train.jsonl"], world["same.jsonl"]);
        var more = recipe with
        {
            Data = recipe.Data with { Train = [new DataFile(world["same.jsonl"])] },
            Training = recipe.Training with { MaxSteps = 8 },
            Evaluation = recipe.Evaluation with { Every = 5 },
            Checkpoint = new CheckpointSettings { Every = 3, Keep = 1 },
        };
        var (result, events) = Drive.OnCpu(more, resume: true);
        Assert.That((result.End, result.Steps), Is.EqualTo((RunEnd.Finished, 8)));
        Assert.That(events.OfType<NoteEvent>().Select(n => n.Text), Has.Some.Contains("the run began with 6 steps and now has 8"));

        world.Weights(seed: 2);
        Assert.That(() => Drive.OnCpu(more, resume: true), Throws.TypeOf<ResumeException>().With.Message.Contains("base weights"));
    }

    [TestCase("trainer/state.json")]
    [TestCase("trainer/optimizer.safetensors")]
    public void Fault59_a_checkpoint_without_its_state_is_an_error(string file)
    {
        var recipe = world.Recipe(MethodKind.Lora);
        Drive.OnCpu(recipe, stopAt: 2);
        File.Delete(Path.Combine(recipe.Output, "checkpoint-3", file));
        Assert.That(() => Drive.OnCpu(recipe, resume: true), Throws.TypeOf<ResumeException>().With.Message.Contains(file));
    }

    [Test]
    public void Fault60_another_device_goes_on_and_says_that_the_bits_are_others()
    {
        var recipe = world.Recipe(MethodKind.Lora);
        Drive.OnCpu(recipe, stopAt: 2);
        using var reference = new ReferenceDevice();
        var (result, events) = Drive.Train(recipe, reference, resume: true);
        Assert.That(events.OfType<NoteEvent>().Select(n => n.Text), Has.Some.Contains("written on cpu: going on on reference is not bit-exact"));
        Assert.That((result.End, result.Steps), Is.EqualTo((RunEnd.Finished, 6)));
    }

    [Test]
    public void Fault61_a_second_run_in_the_folder_is_refused()
    {
        var recipe = world.Recipe(MethodKind.Lora);
        using var device = new CpuDevice(1);
        using var run = TrainingRun.Open(new RunRequest(recipe), device);
        run.Start();
        var e = Assert.Throws<CheckpointStorageException>(() => Drive.OnCpu(recipe, resume: true));
        Assert.That((e!.Fault, e.Message), Is.EqualTo((StorageFault.Locked, $"{recipe.Output}: another run is using this folder (it holds .lock)")));
    }

    [Test]
    public void A_state_of_a_newer_format_is_refused()
    {
        string file = world["state.json"];
        File.WriteAllText(file, new JsonObject { ["format"] = 2 }.ToJsonString());
        Assert.That(() => RunState.Read(file), Throws.TypeOf<CheckpointException>().With.Message.Contains("format 2 is newer than 1"));
    }
}
