using System.Text.Json.Nodes;
using KernelTune.Checkpoints;
using KernelTune.Data;
using KernelTune.Devices;
using KernelTune.Devices.Cpu;
using KernelTune.Devices.Reference;
using KernelTune.Devices.Shapes;
using KernelTune.Methods;
using KernelTune.Training.Recipes;
using KernelTune.Training.Runs;
using KernelTune.Training.Schedules;

namespace KernelTune.Training.Tests.Runs;

/// <summary>Whole runs over a model of two layers: what they learn, what they leave, what they hold.</summary>
public sealed class TrainingRunTests
{
    [Test]
    public void A_run_learns_and_leaves_its_folder([ValueSource(typeof(TinyWorld), nameof(TinyWorld.Methods))] MethodKind method, [Values("cpu", "reference")] string kind)
    {
        using var world = new TinyWorld();
        using Device device = kind == "cpu" ? new CpuDevice(2) : new ReferenceDevice();
        var recipe = world.Recipe(method) with { Checkpoint = new CheckpointSettings { Every = 2, Keep = 2 } };
        recipe = recipe with
        {
            Data = recipe.Data with { Validation = [new DataFile(world["held.jsonl"])] },
            Training = recipe.Training with { MaxSteps = 12 },
            Evaluation = recipe.Evaluation with { Every = 4 },
        };
        long outstanding = device.Outstanding;
        var (result, events) = Drive.Train(recipe, device);

        Assert.That(device.Outstanding, Is.EqualTo(outstanding), "device bytes after the run");
        var losses = Drive.Losses(events);
        Assert.That(losses, Has.Length.EqualTo(12).And.All.Matches<double>(double.IsFinite));
        // A few numbers in front of a text, or between its layers, move a loss less than all of its weights do.
        double most = method is MethodKind.Full or MethodKind.Lora or MethodKind.Adapter ? 0.75 : 0.95;
        Assert.That(losses[^3..].Average(), Is.LessThan(most * losses[..3].Average()));
        Assert.That(result, Is.EqualTo(new RunResult(RunEnd.Finished, 12, result.FirstEvaluation, result.LastEvaluation, result.BestEvaluation, recipe.Output)));
        Assert.That(result.LastEvaluation, Is.LessThan(result.FirstEvaluation!.Value));
        Assert.That(events.OfType<EvaluationEvent>().Select(e => e.Step), Is.EqualTo(new[] { 0, 4, 8, 12 }));

        var names = Directory.GetFileSystemEntries(recipe.Output).Select(Path.GetFileName).Order(StringComparer.Ordinal);
        Assert.That(names, Is.EqualTo(new[] { ".lock", "best", "checkpoint-10", "checkpoint-12", "data.json", "final", "latest", "ledger.json", "metrics.jsonl", "recipe.yaml", "run.json" }));
        foreach (string folder in new[] { "best", "final", "checkpoint-12" })
            Manifest.Read(Path.Combine(recipe.Output, folder)).Verify(Path.Combine(recipe.Output, folder));
        var metrics = Drive.Metrics(recipe.Output);
        Assert.That(metrics, Has.Length.EqualTo(12 + 4));
        Assert.That(metrics[0], Does.StartWith("{\"step\":0,\"eval_loss\":"));
        Assert.That(metrics[1], Does.StartWith("{\"step\":1,\"epoch\":").And.Contain("\"learning_rate\":").And.Contain("\"grad_norm\":").And.Contain("\"tokens\":"));
    }

    [Test]
    public void An_adapter_has_the_layout_of_peft()
    {
        using var world = new TinyWorld();
        var recipe = world.Recipe(MethodKind.Lora) with { Training = new TrainingSettings { MaxSteps = 1 } };
        Drive.OnCpu(recipe);

        string final = Path.Combine(recipe.Output, "final");
        var config = JsonNode.Parse(File.ReadAllText(Path.Combine(final, "adapter_config.json")))!.AsObject();
        Assert.That(config.Select(p => p.Key), Is.Ordered.Using<string>(StringComparer.Ordinal));
        Assert.That((string?)config["base_model_name_or_path"], Is.EqualTo(world.Model));
        Assert.That(((string?)config["peft_type"], (string?)config["task_type"], (int?)config["r"], (bool?)config["inference_mode"]), Is.EqualTo(("LORA", "CAUSAL_LM", 4, true)));
        using var adapter = AdapterFolder.Open(final);
        Assert.That(adapter.Weights.Names, Has.Count.EqualTo(2 * 7 * 2));
        Assert.That(adapter.Weights.Get("base_model.model.model.layers.1.self_attn.k_proj.lora_B.weight").Shape, Is.EqualTo(new long[] { 16, 4 }));
        Assert.That(adapter.Weights.Names.All(n => n.StartsWith("base_model.model.model.layers.", StringComparison.Ordinal) && n.EndsWith(".weight", StringComparison.Ordinal)), Is.True);
        Assert.That(new[] { "tokenizer.json", "tokenizer_config.json", "README.md" }.Select(n => File.Exists(Path.Combine(final, n))), Has.All.True);
    }

    [Test]
    public void A_full_run_ends_in_a_model_that_trains_on()
    {
        using var world = new TinyWorld();
        var recipe = world.Recipe(MethodKind.Full);
        var (_, first) = Drive.OnCpu(recipe);
        var (_, second) = Drive.OnCpu(world.Recipe(MethodKind.Full, "next") with { Model = Path.Combine(recipe.Output, "final") });
        Assert.That(Drive.Losses(second)[0], Is.LessThan(Drive.Losses(first)[0]));
        var config = JsonNode.Parse(File.ReadAllText(Path.Combine(recipe.Output, "final", "config.json")))!;
        Assert.That((string?)config["dtype"], Is.EqualTo("float32"));
    }

    [Test]
    public void A_run_goes_on_from_an_adapter()
    {
        using var world = new TinyWorld();
        var recipe = world.Recipe(MethodKind.Lora);
        var (_, first) = Drive.OnCpu(recipe);
        var (_, second) = Drive.OnCpu(world.Recipe(MethodKind.Lora, "next") with { Adapter = Path.Combine(recipe.Output, "final") });
        Assert.That(Drive.Losses(second)[0], Is.LessThan(0.8 * Drive.Losses(first)[0]));
    }

    [Test]
    public void Eight_times_one_is_one_times_eight([ValueSource(typeof(TinyWorld), nameof(TinyWorld.Methods))] MethodKind method)
    {
        using var world = new TinyWorld();
        Recipe Of(int batch, int steps, string name) => world.Recipe(method, name) with
        {
            Training = new TrainingSettings { MaxSteps = 5, BatchSize = batch, GradientAccumulationSteps = steps },
        };
        var whole = Drive.Losses(Drive.OnCpu(Of(8, 1, "whole")).Events);
        var parts = Drive.Losses(Drive.OnCpu(Of(1, 8, "parts")).Events);
        Assert.That(parts, Is.EqualTo(whole).Within(2e-5));
    }

    [Test]
    public void Early_stopping_ends_a_run_that_no_longer_improves()
    {
        using var world = new TinyWorld();
        var recipe = world.Recipe(MethodKind.Lora);
        recipe = recipe with
        {
            Data = recipe.Data with { Validation = [new DataFile(world.Rows("other.jsonl", 4, row: i => ("?", new string((char)('A' + i), 6))))] },
            Training = recipe.Training with { MaxSteps = 60, EarlyStopping = new EarlyStopping("loss", 2) },
            Evaluation = recipe.Evaluation with { Every = 1 },
        };
        var (result, events) = Drive.OnCpu(recipe);
        var losses = events.OfType<EvaluationEvent>().Select(e => e.Loss).ToArray();
        Assert.That(result.End, Is.EqualTo(RunEnd.StoppedEarly));
        Assert.That(result.Steps, Is.LessThan(60));
        Assert.That(losses[^2..], Has.All.GreaterThanOrEqualTo(losses[1..^2].Min()));
        Assert.That(result.BestEvaluation, Is.EqualTo(losses[1..].Min()));
    }

    [Test]
    public void The_best_model_is_the_one_that_was_judged_best()
    {
        using var world = new TinyWorld();
        var recipe = world.Recipe(MethodKind.Lora);
        recipe = recipe with { Data = recipe.Data with { Validation = [new DataFile(world["held.jsonl"])] }, Evaluation = recipe.Evaluation with { Every = 2 } };
        var (result, _) = Drive.OnCpu(recipe);
        // Judged again before step 1, the best adapter gives the loss that made it the best.
        var (again, _) = Drive.OnCpu(recipe with { Output = world["again"], Adapter = Path.Combine(recipe.Output, "best"), Training = recipe.Training with { MaxSteps = 1 } });
        Assert.That(again.FirstEvaluation, Is.EqualTo(result.BestEvaluation));
    }

    [Test]
    public void Test_rows_are_judged_once_at_the_end()
    {
        using var world = new TinyWorld();
        var recipe = world.Recipe(MethodKind.Lora);
        recipe = recipe with { Data = recipe.Data with { Test = [new DataFile(world["held.jsonl"])], Validation = [new DataFile(world["held.jsonl"])] } };
        var (result, _) = Drive.OnCpu(recipe);
        Assert.That(result.Test, Is.EqualTo(result.LastEvaluation).And.Not.Null);
        Assert.That(Drive.Metrics(recipe.Output).Count(l => l.Contains("test_loss", StringComparison.Ordinal)), Is.EqualTo(1));
    }

    [Test]
    public void Part_of_an_epoch_rounds_up_and_the_schedule_warms_up_over_it()
    {
        using var world = new TinyWorld();
        var recipe = world.Recipe(MethodKind.Lora) with
        {
            Schedule = new ScheduleSettings { Type = "linear", WarmupSteps = 2 },
            Training = new TrainingSettings { NumEpochs = 1.5, BatchSize = 4, GradientAccumulationSteps = 2 },
        };
        var (result, events) = Drive.OnCpu(recipe);
        // 22 rows: six micro-batches, three steps an epoch, four and a half in all.
        Assert.That(result.Steps, Is.EqualTo(5));
        var steps = events.OfType<StepEvent>().ToArray();
        Assert.That(steps.Select(s => s.LearningRate), Is.EqualTo(new[] { 0, 0.01, 0.02, 0.02 * 2 / 3, 0.02 / 3 }).Within(1e-12));
        Assert.That(steps[^1].Epoch, Is.EqualTo(5 / 3.0).Within(1e-12));
    }

    [Test]
    public void A_weight_of_two_gives_the_rows_twice_an_epoch()
    {
        using var world = new TinyWorld();
        var recipe = world.Recipe(MethodKind.Lora);
        recipe = recipe with { Data = recipe.Data with { Train = [new DataFile(world["train.jsonl"]), new DataFile(world["held.jsonl"], 2)] } };
        using var device = new CpuDevice(1);
        using var run = TrainingRun.Open(new RunRequest(recipe), device);
        Assert.That(((TrainingData)run.Data).Train, Has.Count.EqualTo(22 + (2 * 5)));
    }

    [Test]
    public void Lora_plus_moves_b_faster()
    {
        using var world = new TinyWorld();
        var plain = world.Recipe(MethodKind.Lora, "plain") with { Training = new TrainingSettings { MaxSteps = 1, MaxGradNorm = null } };
        var plus = plain with { Output = world["plus"], Lora = plain.Lora with { LoraplusLrRatio = 4 } };
        Drive.OnCpu(plain);
        Drive.OnCpu(plus);
        float[] Of(Recipe recipe)
        {
            using var adapter = AdapterFolder.Open(Path.Combine(recipe.Output, "final"));
            return adapter.Weights.ReadF32("base_model.model.model.layers.0.mlp.up_proj.lora_B.weight");
        }
        // B begins at zero, so after one step it is the rate times the normalised gradient.
        Assert.That(Of(plus), Is.EqualTo(Of(plain).Select(x => 4 * x)).Within(1e-6));
    }

    [Test]
    public void The_plan_is_what_the_run_then_holds([ValueSource(typeof(TinyWorld), nameof(TinyWorld.Methods))] MethodKind method, [Values] bool packing)
    {
        using var world = new TinyWorld();
        var recipe = world.Recipe(method);
        packing &= TinyWorld.Packs(method);
        recipe = recipe with
        {
            Data = recipe.Data with { Packing = packing, Validation = [new DataFile(world["held.jsonl"])] },
            Training = recipe.Training with { GradientAccumulationSteps = 3 },
        };
        using var device = new CpuDevice(2);
        using var shapes = new ShapesDevice(device);
        using var run = TrainingRun.Open(new RunRequest(recipe), device);
        var plan = run.Plan(shapes);
        run.Start();
        TrainingLoop.Run(run);

        Assert.That(plan.Peak, Is.EqualTo(device.Ledger.Peak).Within(2).Percent);
        Assert.That(plan.Touched, Is.EqualTo(device.Touched).Within(2).Percent);
        var predicted = JsonNode.Parse(File.ReadAllText(Path.Combine(recipe.Output, "plan.json")))!;
        var measured = JsonNode.Parse(File.ReadAllText(Path.Combine(recipe.Output, "ledger.json")))!;
        Assert.That((long?)predicted["peak"], Is.EqualTo(plan.Peak));
        Assert.That((long?)measured["peak"], Is.EqualTo(device.Ledger.Peak));
        Assert.That(measured["peak_by_category"]!.AsObject().Sum(p => (long)p.Value!), Is.EqualTo(device.Ledger.Peak));
        Assert.That((long?)measured["resident"], Is.GreaterThan((long)measured["resident_before"]!));
    }
}
