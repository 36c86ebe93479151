using System.Text.Json.Nodes;

namespace KernelTune.Cli.Tests.Verbs;

public sealed class TrainTests
{
    private Workplace _work = null!;

    [SetUp]
    public void Make_workplace() => _work = new Workplace();

    [TearDown]
    public void Remove_workplace() => _work.Dispose();

    private CommandLine TrainBase()
    {
        CommandLine run = _work.Train("full.yaml");
        Assert.That(run.Code, Is.Zero, run.Error);
        return run;
    }

    [Test]
    public void A_run_shows_panel_steps_and_ledger_and_leaves_its_folder()
    {
        CommandLine run = TrainBase();
        foreach (string part in (string[])["trainable", "predicted", "step 1/3  loss", "step 3/3  loss", "after step 3: validation loss", "saved final"]) Assert.That(run.Error, Does.Contain(part));
        Assert.That(run.Out, Does.Contain("memory at the peak").And.Match(@"finished after 3 steps, validation loss [\d.]+ before and [\d.]+ after"));
        foreach (string file in (string[])["recipe.yaml", "run.json", "metrics.jsonl", "plan.json", "ledger.json", "checkpoint-3/trainer/state.json", "best/model.safetensors", "final/model.safetensors", "final/tokenizer.json"])
            Assert.That(File.Exists(_work["base/" + file]), file);
    }

    [Test]
    public void Logs_can_be_JSON_and_the_result_too()
    {
        CommandLine run = _work.Train("full.yaml", "--log-format", "json", "--json");
        JsonNode[] lines = [.. run.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => JsonNode.Parse(l)!)];
        Assert.That(lines.Count(l => (string?)l["event"] == "step"), Is.EqualTo(3));
        Assert.That(lines.Where(l => (string?)l["event"] == "saved").Select(l => (string?)l["what"]), Does.Contain("final"));
        Assert.That((string?)run.Json["end"], Is.EqualTo("finished"));
        Assert.That((int?)run.Json["steps"], Is.EqualTo(3));
        Assert.That((long)run.Json["memory"]!["categories"]!["weights"]!["measured"]!, Is.EqualTo((long)run.Json["memory"]!["categories"]!["weights"]!["predicted"]!));
    }

    [Test]
    public void The_test_rows_are_judged_at_the_end()
    {
        CommandLine run = _work.Train("full.yaml", "data.test=chat.jsonl", "data.validation=none");
        Assert.That(run.Code, Is.Zero, run.Error);
        Assert.That(run.Out, Does.Match(@"finished after 3 steps, test loss [\d.]+; everything is in"));
    }

    [Test]
    public void A_dry_run_predicts_and_writes_nothing()
    {
        CommandLine run = _work.Train("full.yaml", "--dry-run", "--json");
        Assert.That(run.Code, Is.Zero, run.Error);
        Assert.That((long)run.Json["predicted_bytes"]!, Is.GreaterThan(4_000_000));
        Assert.That((long)run.Json["trainable"]!, Is.EqualTo((long)run.Json["total"]!));
        Assert.That(Directory.Exists(_work["base"]), Is.False);
    }

    [Test]
    public void An_adapter_is_trained_evaluated_asked_and_merged()
    {
        TrainBase();
        CommandLine run = _work.Train("lora.yaml");
        Assert.That(run.Code, Is.Zero, run.Error);
        string adapter = _work["tuned/final"];

        JsonNode judged = CommandLine.Run("evaluate", adapter, "--data", _work["chat.jsonl"], "--threads", "1", "--json").Json;
        Assert.That((double)judged["base"]!["loss"]!, Is.GreaterThan(0));
        Assert.That((double)judged["adapter"]!["loss"]!, Is.Not.EqualTo((double)judged["base"]!["loss"]!));
        Assert.That((long)judged["adapter"]!["labels"]!, Is.EqualTo((long)judged["base"]!["labels"]!));

        JsonNode answers = CommandLine.Run("generate", adapter, "what are 1 and 1?", "and what are 22 and 22?", "--max-new-tokens", "5", "--threads", "1", "--json").Json;
        Assert.That(answers.AsArray(), Has.Count.EqualTo(2));
        JsonNode alone = CommandLine.Run("generate", adapter, "what are 1 and 1?", "--max-new-tokens", "5", "--threads", "1", "--json").Json;
        Assert.That(answers[0]!["tokens"]!.ToJsonString(), Is.EqualTo(alone[0]!["tokens"]!.ToJsonString()), "a row's answer does not depend on the batch");

        CommandLine merged = CommandLine.Run("merge", adapter, "--output", _work["merged"], "--dtype", "F32", "--threads", "1", "--json");
        Assert.That(merged.Code, Is.Zero, merged.Error);
        Assert.That((double)merged.Json["logit_drift"]!["max"]!, Is.LessThan(1e-4));
        Assert.That((int)merged.Json["logit_drift"]!["same_token"]!, Is.EqualTo((int)merged.Json["logit_drift"]!["positions"]!));
        JsonNode same = CommandLine.Run("generate", _work["merged"], "what are 1 and 1?", "--max-new-tokens", "5", "--threads", "1", "--json").Json;
        Assert.That(same[0]!["tokens"]!.ToJsonString(), Is.EqualTo(alone[0]!["tokens"]!.ToJsonString()));
    }

    [Test]
    public void A_run_goes_on_where_it_stopped()
    {
        Assert.That(_work.Train("full.yaml", "training.max_steps=6", "schedule.type=constant", "output=whole").Code, Is.Zero);
        Assert.That(_work.Train("full.yaml", "training.max_steps=3", "schedule.type=constant").Code, Is.Zero);
        CommandLine run = _work.Train("full.yaml", "training.max_steps=6", "schedule.type=constant", "--resume");
        Assert.That(run.Code, Is.Zero, run.Error);
        Assert.That(run.Error, Does.Contain("resumed at step 3").And.Not.Contain("step 3/6"));
        Assert.That(File.ReadAllBytes(_work["base/final/model.safetensors"]), Is.EqualTo(File.ReadAllBytes(_work["whole/final/model.safetensors"])));
    }

    private void Fails(int code, string message, params string[] settings)
    {
        CommandLine run = _work.Train("full.yaml", settings);
        Assert.That(run.Error.TrimEnd().Split('\n')[^1], Does.Match("^error: .*" + message));
        Assert.That(run.Code, Is.EqualTo(code), run.Error);
        Assert.That(run.Out, Is.Empty);
    }

    [Test]
    public void Fault_45_a_bad_rate_is_exit_2() => Fails(2, "command line: optimizer.learning_rate: found 1e400, wanted a finite number", "optimizer.learning_rate=1e400");

    [Test]
    public void Fault_46_rank_0_is_exit_2() => Fails(2, "command line: lora.r: found 0, wanted 1 or more", "lora.r=0");

    [Test]
    public void Fault_51_a_device_that_is_not_there_is_exit_2() => Fails(2, @"\[cuda:9\] (the driver's library .* was not found|cuInit gives .*|the driver is here .*|there are \d+ such devices)", "device=cuda:9");

    [Test]
    public void Fault_50_a_plan_over_the_limit_is_exit_5_before_anything_is_written()
    {
        Fails(5, "the run needs .* MiB and memory_limit is 1.00 MiB", "memory_limit=1MiB");
        Assert.That(Directory.Exists(_work["base"]), Is.False);
    }

    [Test]
    public void A_plan_over_the_limit_shows_what_to_change()
    {
        CommandLine run = _work.Train("full.yaml", "memory_limit=1MiB");
        Assert.That(run.Code, Is.EqualTo(5));
        Assert.That(run.Error, Does.Match(@"what to change\s+predicted\s+within 1\.00 MiB").And.Match(@"nothing\s+[0-9.]+ [KM]iB\s+no").And.Match(@"training\.activation_checkpointing=blocks\s+[0-9.]+ [KM]iB"));
    }

    [Test]
    public void Fault_49_a_loss_that_is_no_number_is_exit_6() =>
        Fails(6, "the loss is NaN at step", "optimizer.learning_rate=1e30", "training.max_grad_norm=none", "training.max_steps=20", "schedule.warmup_ratio=0", "data.validation=none");

    [Test]
    public void Fault_35_an_empty_file_is_exit_3()
    {
        File.WriteAllBytes(_work["text.jsonl"], []);
        Fails(3, "text.jsonl");
    }

    [Test]
    public void Fault_37_a_broken_line_is_exit_3_with_its_number()
    {
        File.WriteAllText(_work["text.jsonl"], "{\"text\": \"good\"}\n{\"text\": \n");
        Fails(3, "text.jsonl: line 2");
    }

    [Test]
    public void Fault_37_broken_lines_may_be_skipped_and_are_counted()
    {
        File.AppendAllText(_work["text.jsonl"], "{\"text\": \n");
        CommandLine run = _work.Train("full.yaml", "--skip-bad");
        Assert.That(run.Code, Is.Zero, run.Error);
        Assert.That(run.Error, Does.Contain("1 rows could not be read and were left out"));
    }

    [Test]
    public void Fault_55_an_output_that_is_not_empty_is_exit_4_and_stays_as_it_was()
    {
        _work.Write("base/mine.txt", "keep");
        Fails(4, "base: it is not empty");
        Assert.That(File.ReadAllText(_work["base/mine.txt"]), Is.EqualTo("keep\n"));
    }

    [Test]
    public void Fault_58_another_seed_on_a_resume_is_exit_2()
    {
        TrainBase();
        Fails(2, "seed: 7.*seed: 8.*another run", "--resume", "training.seed=8");
    }

    [Test]
    public void A_resume_of_nothing_is_exit_2() => Fails(2, "there is no run to resume", "--resume");

    [Test]
    public void Fault_47_targets_that_match_nothing_list_the_candidates()
    {
        TrainBase();
        CommandLine run = _work.Train("lora.yaml", "lora.target_modules=[c_attn]");
        Assert.That(run.Code, Is.EqualTo(2));
        Assert.That(run.Error, Does.Contain("c_attn").And.Contain("q_proj"));
    }

    [Test]
    public void Fault_20_a_model_without_a_configuration_is_exit_3()
    {
        File.Delete(_work["model/config.json"]);
        Fails(3, "config.json");
    }
}
