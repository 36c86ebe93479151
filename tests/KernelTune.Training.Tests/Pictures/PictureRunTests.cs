using System.Text.Json;

using KernelTune.Checkpoints;
using KernelTune.Data;
using KernelTune.Devices.Cpu;
using KernelTune.Devices.Shapes;
using KernelTune.Methods;
using KernelTune.Training.Recipes;
using KernelTune.Training.Runs;
using KernelTune.Training.Tests.Runs;

namespace KernelTune.Training.Tests.Pictures;

/// <summary>Classifiers of pictures through the one loop.</summary>
public sealed class PictureRunTests
{
    [Test]
    public void A_run_learns_names_its_classes_and_can_be_judged_again()
    {
        using var world = new PictureWorld();
        Recipe recipe = world.Recipe("run");
        recipe = recipe with { Training = recipe.Training with { MaxSteps = 24 } };
        var (result, events) = Drive.OnCpu(recipe);
        EvaluationEvent[] judged = [.. events.OfType<EvaluationEvent>()];
        Assert.That(judged[0].Figures.Select(f => f.Name), Is.EqualTo(new[] { "loss", "accuracy" }));
        Assert.That(judged[^1].Figures[1].Value, Is.GreaterThanOrEqualTo(11 / 12.0), "12 held-out pictures");
        Assert.That(judged[^1].Loss, Is.LessThan(0.5 * judged[0].Loss));
        Assert.That(File.ReadAllText(Path.Combine(recipe.Output, "metrics.jsonl")), Does.Contain("\"eval_accuracy\":").And.Contain("\"pictures\":10"));

        var config = world.Json("run/final/config.json");
        Assert.That(config["id2label"]!.ToJsonString(), Is.EqualTo("""{"0":"left","1":"right"}"""));
        Assert.That(config["label2id"]!.ToJsonString(), Is.EqualTo("""{"left":0,"right":1}"""));
        Assert.That(File.ReadAllBytes(Path.Combine(recipe.Output, "final", "preprocessor_config.json")), Is.EqualTo(File.ReadAllBytes(Path.Combine(world.Model, "preprocessor_config.json"))));

        using var device = new CpuDevice(1);
        using var loaded = LoadedClassifier.Open(Path.Combine(recipe.Output, "final"), null, device);
        var (judgement, data) = loaded.Judge(world["held"], 5);
        Assert.That(data.Count, Is.EqualTo(12));
        Assert.That(judgement.Loss.Mean, Is.EqualTo(result.LastEvaluation!.Value).Within(1e-6), "frozen weights are packed, and sums associate otherwise");
        Assert.That(judgement.Mean("accuracy"), Is.EqualTo(judged[^1].Figures[1].Value));
    }

    [Test]
    public void Stopped_after_any_step_and_resumed_it_ends_in_the_same_bits_running_statistics_included()
    {
        using var world = new PictureWorld();
        Recipe whole = world.Recipe("whole");
        var (expected, _) = Drive.OnCpu(whole);
        foreach (int stop in new[] { 1, 3, 4, 7 })
        {
            Recipe parts = whole with { Output = world[$"parts{stop}"] };
            Drive.OnCpu(parts, stopAt: stop);
            var (second, _) = Drive.OnCpu(parts, resume: true);
            Assert.That(second with { Output = expected.Output }, Is.EqualTo(expected));
            Drive.AssertSame(whole.Output, parts.Output, $"stopped at {stop}");
        }

        using SafetensorsFile saved = SafetensorsFile.Open(Path.Combine(whole.Output, "final", "model.safetensors"));
        string mean = saved.Names.First(n => n.EndsWith("running_mean", StringComparison.Ordinal));
        Assert.That(saved.ReadF32(mean).Any(v => v != 0), Is.True, "a run changes running statistics");
    }

    [Test]
    public void A_run_is_not_resumed_on_other_pictures_or_classes_in_another_order()
    {
        using var world = new PictureWorld();
        Recipe recipe = world.Recipe("run");
        Drive.OnCpu(recipe, stopAt: 3);
        Recipe turned = recipe with { Data = recipe.Data with { Classes = ["right", "left"] } };
        Assert.That(() => Drive.OnCpu(turned, resume: true), Throws.TypeOf<ResumeException>().With.Message.Contains("the run began with «classes: [left, right]»; the recipe now says «classes: [right, left]»"));

        string picture = Path.Combine(world["train"], "right", "11.png"), renamed = Path.Combine(world["train"], "right", "12.png");
        File.Move(picture, renamed);
        Assert.That(() => Drive.OnCpu(recipe, resume: true), Throws.TypeOf<ResumeException>().With.Message.Contains("the training data has changed since: its pictures hash to "));
        File.Copy(renamed, picture);
        Assert.That(() => Drive.OnCpu(recipe, resume: true), Throws.TypeOf<ResumeException>(), "one picture more");
        File.Delete(renamed);
        string held = Path.Combine(world["held"], "left", "00.png");
        byte[] before = File.ReadAllBytes(held);
        File.WriteAllBytes(held, File.ReadAllBytes(picture));
        Assert.That(() => Drive.OnCpu(recipe, resume: true), Throws.TypeOf<ResumeException>(), "another picture to validate on");
        File.WriteAllBytes(held, before);
        Assert.That(Drive.OnCpu(recipe, resume: true).Result.Steps, Is.EqualTo(10));
    }

    [Test]
    public void Threads_do_not_change_a_bit()
    {
        using var world = new PictureWorld();
        Recipe one = world.Recipe("one"), two = one with { Output = world["two"] };
        Drive.OnCpu(one);
        using var device = new CpuDevice(2);
        Drive.Train(two, device);
        Drive.AssertSame(one.Output, two.Output, "2 threads");
    }

    [Test]
    public void The_plan_is_what_the_run_then_holds([Values(MethodKind.Full, MethodKind.HeadOnly)] MethodKind method)
    {
        using var world = new PictureWorld();
        Drive.OnCpu(world.Recipe("base"));
        Recipe recipe = world.Recipe("run") with { Init = Initialization.Pretrained, Model = Path.Combine(world["base"], "final"), Method = method };
        using var device = new CpuDevice(2);
        using var run = TrainingRun.Open(new RunRequest(recipe), device);
        using var shapes = new ShapesDevice(device);
        MemoryPlan plan = run.Plan(shapes);
        run.Start();
        TrainingLoop.Run(run);
        Assert.That(device.Ledger.Peak, Is.EqualTo(plan.Peak));
    }

    [Test]
    public void Head_only_leaves_the_body_as_it_was()
    {
        using var world = new PictureWorld();
        Drive.OnCpu(world.Recipe("base"));
        string model = Path.Combine(world["base"], "final");
        Recipe recipe = world.Recipe("run") with { Init = Initialization.Pretrained, Model = model, Method = MethodKind.HeadOnly };
        Drive.OnCpu(recipe);
        using SafetensorsFile before = SafetensorsFile.Open(Path.Combine(model, "model.safetensors")), after = SafetensorsFile.Open(Path.Combine(recipe.Output, "final", "model.safetensors"));
        Assert.That(after.Names, Is.EquivalentTo(before.Names));
        string[] changed = [.. before.Names.Where(n => !n.EndsWith("num_batches_tracked", StringComparison.Ordinal) && !before.ReadF32(n).SequenceEqual(after.ReadF32(n))).Order(StringComparer.Ordinal)];
        Assert.That(changed, Is.EqualTo(new[] { "classifier.1.bias", "classifier.1.weight" }));
    }

    [Test]
    public void Other_classes_want_a_new_head()
    {
        using var world = new PictureWorld();
        Drive.OnCpu(world.Recipe("base"));
        world.Draw("more", 8, "top", "left", "right");
        string model = Path.Combine(world["base"], "final");
        Recipe kept = world.Recipe("kept") with { Init = Initialization.Pretrained, Model = model };
        kept = kept with { Data = kept.Data with { Train = [new DataFile(world["more"])], Validation = [] } };
        Assert.That(() => Drive.OnCpu(kept), Throws.TypeOf<DataException>().With.Message.EqualTo(
            $"{world["more"]}: the classes left, right, top were found and the model's are left, right: `head: {{}}` starts a new classifier, data.classes chooses among the folders"));

        Recipe fresh = kept with { Head = new HeadSettings(), Output = world["fresh"] };
        Drive.OnCpu(fresh);
        using SafetensorsFile saved = SafetensorsFile.Open(Path.Combine(fresh.Output, "final", "model.safetensors"));
        Assert.That(saved.Get("classifier.1.weight").Shape, Is.EqualTo(new long[] { 3, 16 }));
        Assert.That(world.Json("fresh/final/config.json")["id2label"]!.ToJsonString(), Is.EqualTo("""{"0":"left","1":"right","2":"top"}"""));
    }

    [Test]
    public void A_kept_classifier_numbers_the_classes_as_it_did()
    {
        using var world = new PictureWorld();
        Recipe first = world.Recipe("base");
        Drive.OnCpu(first with { Data = first.Data with { Classes = ["right", "left"] } });
        Recipe second = world.Recipe("run") with { Init = Initialization.Pretrained, Model = Path.Combine(world["base"], "final") };
        Drive.OnCpu(second);
        Assert.That(world.Json("run/final/config.json")["id2label"]!.ToJsonString(), Is.EqualTo("""{"0":"right","1":"left"}"""));
        Assert.That(File.ReadAllText(world["run/recipe.yaml"]), Does.Contain("  classes: [right, left]\n"));
    }

    [Test]
    public void Lora_on_convolutions_trains_the_new_head_too_and_is_judged_with_its_base()
    {
        using var world = new PictureWorld();
        Recipe recipe = OnOtherClasses(world, "run", MethodKind.Lora) with
        {
            Head = new HeadSettings(),
            Lora = new LoraSettings { Config = new LoraConfig { R = 2, LoraAlpha = 4, TargetModules = ModuleSelection.Of("convolution") } },
        };
        recipe = recipe with { Training = recipe.Training with { MaxSteps = 20 } };
        string model = recipe.Model;
        var (result, _) = Drive.OnCpu(recipe);
        Assert.That(result.LastEvaluation, Is.LessThan(result.FirstEvaluation!.Value));
        string final = Path.Combine(recipe.Output, "final");
        using (AdapterFolder adapter = AdapterFolder.Open(final))
            Assert.That(adapter.Weights.Names, Does.Contain("base_model.model.classifier.1.weight"));

        using var device = new CpuDevice(1);
        var (found, with) = LoadedModel.Find(final, null);
        Assert.That(found, Is.EqualTo(model));
        using var loaded = LoadedClassifier.Open(found, with, device);
        Assert.That(loaded.Model.LabelNames, Is.EqualTo(new[] { "bottom", "top" }));
        Assert.That(loaded.Judge(world["held2"], 5).Judgement.Loss.Mean, Is.EqualTo(result.LastEvaluation).Within(1e-6));

        var (format, drift) = ClassifierMerging.Run(found, with!, world["merged"], device);
        Assert.That(format, Is.EqualTo(WeightFormats.F32));
        Assert.That((drift.SameToken, drift.Positions), Is.EqualTo((8, 8)));
        Assert.That(drift.Most, Is.LessThan(1e-4));
        using var merged = LoadedClassifier.Open(world["merged"], null, device);
        Assert.That(merged.Judge(world["held2"], 5).Judgement.Loss.Mean, Is.EqualTo(result.LastEvaluation).Within(1e-5));
    }

    [Test]
    public void A_norm_that_trained_whole_is_merged_with_its_statistics_and_the_rest_is_the_bases()
    {
        using var world = new PictureWorld();
        Recipe recipe = OnOtherClasses(world, "run", MethodKind.Lora) with
        {
            Head = new HeadSettings(),
            Lora = new LoraSettings { Config = new LoraConfig { R = 2, LoraAlpha = 4, TargetModules = ModuleSelection.Of("layer.0.convolution"), ModulesToSave = ["layer.0.normalization"] } },
        };
        Drive.OnCpu(recipe);
        using var device = new CpuDevice(1);
        var (_, drift) = ClassifierMerging.Run(recipe.Model, Path.Combine(recipe.Output, "final"), world["merged"], device);
        Assert.That(drift.Most, Is.LessThan(1e-4));
        using SafetensorsFile before = SafetensorsFile.Open(Path.Combine(recipe.Model, "model.safetensors")), after = SafetensorsFile.Open(Path.Combine(world["merged"], "model.safetensors"));
        Assert.That(after.Names, Is.EquivalentTo(before.Names));
        string[] changed = [.. before.Names.Where(n => !n.EndsWith("num_batches_tracked", StringComparison.Ordinal) && !before.ReadF32(n).SequenceEqual(after.ReadF32(n)))];
        Assert.That(changed.Where(n => n.EndsWith("running_mean", StringComparison.Ordinal)), Is.Not.Empty.And.All.Contains("layer.0.normalization"));
        Assert.That(changed.Where(n => !n.Contains("layer.0.", StringComparison.Ordinal)), Is.EquivalentTo(new[] { "classifier.1.bias", "classifier.1.weight" }), "what neither trained nor is adapted is the base's, bit for bit");
    }

    [Test]
    public void Bitfit_trains_a_new_head_too_saves_it_with_its_biases_and_goes_on_from_there()
    {
        using var world = new PictureWorld();
        Recipe recipe = OnOtherClasses(world, "run", MethodKind.BitFit) with { Head = new HeadSettings() };
        recipe = recipe with { Data = recipe.Data with { Classes = ["top", "bottom"] }, Training = recipe.Training with { MaxSteps = 20 } };
        var (result, _) = Drive.OnCpu(recipe);
        Assert.That(result.LastEvaluation, Is.LessThan(0.8 * result.FirstEvaluation!.Value));
        string final = Path.Combine(recipe.Output, "final");
        using (AdapterFolder adapter = AdapterFolder.Open(final))
        {
            Assert.That(adapter.Weights.Names.Where(n => !n.EndsWith(".bias", StringComparison.Ordinal)), Is.EqualTo(new[] { "classifier.1.weight" }));
            Assert.That(adapter.Config.Strings("modules_to_save"), Is.EqualTo(new[] { "classifier.1" }));
        }
        using (var device = new CpuDevice(1))
        using (var loaded = LoadedClassifier.Open(recipe.Model, final, device))
            Assert.That(loaded.Judge(world["held2"], 5).Judgement.Loss.Mean, Is.EqualTo(result.LastEvaluation).Within(1e-6));

        // The order of the classes is the adapter's, and so is the head.
        Recipe onward = recipe with { Adapter = final, Output = world["onward"] };
        onward = onward with { Data = onward.Data with { Classes = null } };
        var (second, _) = Drive.OnCpu(onward);
        Assert.That(second.FirstEvaluation, Is.EqualTo(result.LastEvaluation!.Value).Within(1e-6));
        Assert.That(world.Json("onward/final/config.json")["id2label"]!.ToJsonString(), Is.EqualTo("""{"0":"top","1":"bottom"}"""));
    }

    [Test]
    public void A_new_head_that_the_adapter_does_not_train_is_refused()
    {
        using var world = new PictureWorld();
        Recipe recipe = OnOtherClasses(world, "run", MethodKind.Lora) with
        {
            Lora = new LoraSettings { Config = new LoraConfig { R = 2, LoraAlpha = 4, TargetModules = ModuleSelection.Of("convolution") } },
        };
        Recipe first = world.Recipe("first") with { Init = Initialization.Pretrained, Model = recipe.Model, Method = MethodKind.Lora, Lora = recipe.Lora };
        Drive.OnCpu(first);
        string adapter = Path.Combine(world["first"], "final");
        File.Delete(Path.Combine(adapter, "config.json"));
        Assert.That(() => Drive.OnCpu(recipe with { Head = new HeadSettings(), Adapter = adapter }), Throws.TypeOf<RecipeException>().With.Message.EqualTo(
            $"head: classifier.1.weight would stay as it was drawn: the adapter of {adapter} does not train it (modules_to_save)"));
    }

    [Test]
    public void A_classifiers_frozen_head_stays_dense_over_a_base_of_four_bits()
    {
        using var world = new PictureWorld();
        Drive.OnCpu(world.Recipe("base"));
        Recipe recipe = world.Recipe("run") with
        {
            Init = Initialization.Pretrained,
            Model = Path.Combine(world["base"], "final"),
            Method = MethodKind.Lora,
            Lora = new LoraSettings { Config = new LoraConfig { R = 2, LoraAlpha = 4, TargetModules = ModuleSelection.Of("convolution") } },
            Quantization = new QuantizationSettings(BaseStorageKind.Nf4),
        };
        using var device = new CpuDevice(1);
        using var model = new TrainableModel(recipe, JsonSettings.Read(Path.Combine(recipe.Model, "config.json")), device);
        Assert.That((model.Model.Head.Weight.Trainable, model.Model.Head.Weight.Packable, model.Model.Head.Weight.Storage), Is.EqualTo((false, true, (KernelTune.Devices.PanelStorage?)null)));
        var (four, _) = Drive.OnCpu(recipe);
        var (dense, _) = Drive.OnCpu(recipe with { Quantization = null, Output = world["dense"] });
        Assert.That(four.LastEvaluation, Is.EqualTo(dense.LastEvaluation), "a ResNet has no linear layer but its head");
    }

    [Test]
    public void A_bad_picture_ends_a_run_before_step_1_or_is_left_out()
    {
        using var world = new PictureWorld();
        string bad = Path.Combine(world["train"], "left", "03.png");
        File.WriteAllBytes(bad, File.ReadAllBytes(bad)[..60]);
        Recipe recipe = world.Recipe("run");
        Assert.That(() => Drive.OnCpu(recipe), Throws.TypeOf<DataException>().With.Message.StartsWith(bad + ": "));
        Assert.That(Directory.Exists(recipe.Output), Is.False);
        using var device = new CpuDevice(1);
        using var run = TrainingRun.Open(new RunRequest(recipe, SkipBad: true), device);
        Assert.That((run.Data.Count, run.Data.Contents), Is.EqualTo((23, "left 11, right 12")));
        Assert.That(run.Data.Notes, Has.Count.EqualTo(1).And.Some.StartsWith($"{world["train"]}: 1 pictures were left out"));
    }

    // A base that knows left and right, and a recipe on top and bottom.
    private static Recipe OnOtherClasses(PictureWorld world, string output, MethodKind method)
    {
        Drive.OnCpu(world.Recipe("base"));
        world.Draw("train2", 12, "top", "bottom");
        world.Draw("held2", 6, "top", "bottom");
        Recipe recipe = world.Recipe(output) with { Init = Initialization.Pretrained, Model = Path.Combine(world["base"], "final"), Method = method };
        return recipe with { Data = recipe.Data with { Train = [new DataFile(world["train2"])], Validation = [new DataFile(world["held2"])] } };
    }

    [Test]
    public void A_model_without_its_processor_says_so()
    {
        using var world = new PictureWorld();
        string file = Path.Combine(world.Model, "preprocessor_config.json");
        File.Delete(file);
        Assert.That(() => Drive.OnCpu(world.Recipe("run")), Throws.TypeOf<CheckpointException>().With.Message.EqualTo($"{file}: no such file"));
    }
}
