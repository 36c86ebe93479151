using System.Text.Json.Nodes;

namespace KernelTune.Cli.Tests.Verbs;

/// <summary>generate, evaluate and merge on a small model: their options, and what they refuse.</summary>
public sealed class AskTests
{
    private Workplace _work = null!;

    [OneTimeSetUp]
    public void Train_a_model_and_an_adapter()
    {
        _work = new Workplace();
        foreach (string recipe in (string[])["full.yaml", "lora.yaml"])
        {
            CommandLine run = _work.Train(recipe);
            Assert.That(run.Code, Is.Zero, run.Error);
        }
    }

    [OneTimeTearDown]
    public void Remove() => _work.Dispose();

    private string Model => _work["base/final"];

    private string Adapter => _work["tuned/final"];

    private static CommandLine Ask(params string[] arguments) => CommandLine.Run([.. arguments, "--threads", "1"]);

    private static JsonArray Generated(params string[] arguments)
    {
        CommandLine run = Ask(["generate", .. arguments, "--json", "--max-new-tokens", "6"]);
        Assert.That(run.Code, Is.Zero, run.Error);
        return run.Json.AsArray();
    }

    [Test]
    public void Prompts_of_a_file_are_conversations_or_texts()
    {
        _work.Write("prompts.jsonl", "{\"prompt\": \"row 1 says\"}", "{\"messages\": [{\"role\": \"user\", \"content\": \"what?\"}, {\"role\": \"assistant\", \"content\": \"left out\"}]}");
        JsonArray rows = Generated(Model, "--input", _work["prompts.jsonl"]);
        Assert.That(rows, Has.Count.EqualTo(2));
        Assert.That(rows[0]!["tokens"]!.ToJsonString(), Is.EqualTo(Generated(Model, "row 1 says", "--raw")[0]!["tokens"]!.ToJsonString()));
        Assert.That(rows[1]!["tokens"]!.ToJsonString(), Is.EqualTo(Generated(Model, "what?")[0]!["tokens"]!.ToJsonString()));
    }

    [Test]
    public void One_answer_is_streamed_as_it_would_be_decoded()
    {
        CommandLine streamed = Ask("generate", Model, "row 2 says", "--raw", "--max-new-tokens", "6");
        Assert.That(streamed.Out, Is.EqualTo((string)Generated(Model, "row 2 says", "--raw")[0]!["text"]! + "\n"));
    }

    [Test]
    public void Draws_depend_on_the_seed_alone()
    {
        string Draw(string seed) => Generated(Model, "row", "--raw", "--temperature", "1.5", "--top-k", "50", "--top-p", "0.99", "--seed", seed)[0]!["tokens"]!.ToJsonString();
        string first = Draw("1"), again = Draw("1");
        Assert.That(again, Is.EqualTo(first));
        Assert.That(Enumerable.Range(2, 5).Select(i => Draw(i.ToString(System.Globalization.CultureInfo.InvariantCulture))), Has.Some.Not.EqualTo(first));
    }

    [Test]
    public void Max_new_tokens_is_a_limit_and_a_reason() => Assert.That((string?)Generated(Model, "row", "--raw")[0]!["finish_reason"], Is.EqualTo("length").Or.EqualTo("end_token"));

    [Test]
    public void The_best_beams_come_in_order_of_their_scores_each_with_its_tokens_chances()
    {
        JsonArray rows = Generated(Model, "row 1", "row 2 says", "--raw", "--num-beams", "4", "--num-return-sequences", "2", "--length-penalty", "0.5", "--early-stopping", "never", "--logprobs", "3");
        Assert.That(rows.Select(r => (int)r!["prompt"]!), Is.EqualTo(new[] { 0, 0, 1, 1 }));
        Assert.That((double)rows[0]!["score"]!, Is.GreaterThanOrEqualTo((double)rows[1]!["score"]!));
        foreach (JsonNode? row in rows)
        {
            JsonArray places = row!["logprobs"]!.AsArray();
            Assert.That(places.Select(p => (int)p!["token"]!), Is.EqualTo(row["tokens"]!.AsArray().Select(t => (int)t!)));
            Assert.That(places.Select(p => p!["top"]!.AsArray().Count), Is.All.EqualTo(3));
            Assert.That((double)row["score"]!, Is.EqualTo((double)row["logprob"]! / Math.Sqrt(places.Count)).Within(1e-6));
        }
        JsonArray alone = Generated(Model, "row 2 says", "--raw", "--num-beams", "4", "--num-return-sequences", "2", "--length-penalty", "0.5", "--early-stopping", "never");
        Assert.That(alone.Select(r => r!["tokens"]!.ToJsonString()), Is.EqualTo(rows.Skip(2).Select(r => r!["tokens"]!.ToJsonString())), "alone and in a batch");
    }

    [Test]
    public void Prompts_give_the_same_answers_however_many_run_together()
    {
        string[] prompts = ["row 1 says that", "r", "row 7 says that 7 and", "what"];
        string Tokens(params string[] more) => string.Join('\n', Generated([Model, .. prompts, "--raw", .. more]).Select(r => r!["tokens"]!.ToJsonString()));
        Assert.That(Tokens("--batch-size", "1"), Is.EqualTo(Tokens()));
        string[] draws = ["--temperature", "2", "--num-return-sequences", "2"];
        Assert.That(Tokens(["--batch-size", "3", .. draws]), Is.EqualTo(Tokens(draws)));
    }

    [Test]
    public void Chances_of_the_likeliest_token_stand_first_and_are_shown_below_the_answer()
    {
        JsonNode row = Generated(Model, "row 3", "--raw", "--logprobs", "2")[0]!;
        Assert.That(row["logprobs"]!.AsArray().Select(p => (int)p!["top"]![0]!["token"]!), Is.EqualTo(row["tokens"]!.AsArray().Select(t => (int)t!)));
        Assert.That(row["logprobs"]!.AsArray().Select(p => (double)p!["logprob"]!), Is.All.LessThan(0));
        byte[] spelled = [.. row["logprobs"]!.AsArray().SelectMany(p => p!["bytes"] is JsonArray part ? part.Select(b => (byte)(int)b!).ToArray() : System.Text.Encoding.UTF8.GetBytes((string)p["text"]!))];
        Assert.That(System.Text.Encoding.UTF8.GetString(spelled), Does.StartWith((string)row["text"]!), "tokens put together are the text, spaces and all");
        Assert.That(Generated(Model, "row 3", "--raw", "--logprobs")[0]!["logprobs"]![0]!.AsObject().ContainsKey("top"), Is.False);
        CommandLine shown = Ask("generate", Model, "row 3", "--raw", "--max-new-tokens", "6", "--logprobs");
        Assert.That(shown.Out.TrimEnd('\n').Split('\n')[^1], Does.Match(@"^  ""[^""]+""\s+-\d+\.\d{4}$"));
    }

    [TestCase("temperature is 0", "--temperature", "0")]
    [TestCase("num_return_sequences is 3, wanted at most num_beams, 2", "--num-beams", "2", "--num-return-sequences", "3")]
    [TestCase("--batch-size is 0", "--batch-size", "0")]
    [TestCase("top log-probabilities is -1", "--logprobs", "-1")]
    [TestCase("top_p is 2", "--top-p", "2")]
    [TestCase("an empty prompt", "")]
    [TestCase("prompts and --input exclude each other", "x", "--input", "y")]
    public void What_cannot_be_is_exit_2(string message, params string[] arguments)
    {
        CommandLine run = Ask(["generate", Model, .. arguments.Length == 1 || arguments[0] == "x" ? arguments : ["hello", .. arguments]]);
        Assert.That(run.Code, Is.EqualTo(2), run.Error);
        Assert.That(run.Error, Does.Contain(message));
    }

    [TestCase("", "no prompt was found", TestName = "Fault_35 an empty file of prompts")]
    [TestCase("{\"prompt\": ", "line 1, column", TestName = "Fault_37 a broken line of prompts")]
    [TestCase("{\"messages\": []}", "line 1, column 14: messages is empty, at least one message wanted", TestName = "Fault_38 no message")]
    [TestCase("{\"messages\": [{\"role\": \"assistant\", \"content\": \"x\"}]}", "line 1, column 14: messages has nothing to answer", TestName = "Fault_38 only an answer")]
    [TestCase("{\"messages\": [\"x\"]}", "line 1, column 15: messages[0] is a text, an object with role and content wanted", TestName = "Fault_38 a message that is a text")]
    [TestCase("{\"messages\": [{\"role\": 5, \"content\": \"x\"}]}", "line 1, column 24: messages[0].role is a number, a text wanted", TestName = "Fault_38 a role that is a number")]
    [TestCase("{\"prompt\": null}", "line 1, column 1: messages, a list, or prompt, a text, is missing", TestName = "Fault_38 a prompt that is null")]
    [TestCase("[1]", "line 1, column 1: a list was found, a JSON object wanted", TestName = "Fault_38 a list in the place of an object")]
    [TestCase("{\"text\": \"x\"}", "line 1, column 1: messages, a list, or prompt, a text, is missing", TestName = "Fault_38 another field")]
    [TestCase("{\"prompt\": \"\\ud800\"}", "line 1", TestName = "Fault_32 half a surrogate in a prompt")]
    public void A_bad_line_of_prompts_is_exit_3(string line, string message)
    {
        File.WriteAllText(_work["bad.jsonl"], line.Length == 0 ? "" : line + "\n");
        CommandLine run = Ask("generate", Model, "--input", _work["bad.jsonl"]);
        Assert.That(run.Code, Is.EqualTo(3), run.Error);
        Assert.That(run.Error, Does.Contain("bad.jsonl: " + message));
        Assert.That(run.Error.TrimEnd('\n'), Does.Not.Contain("\n"));
    }

    [Test]
    public void Fault_36_a_mark_carriage_returns_and_no_last_newline_are_accepted()
    {
        File.WriteAllText(_work["crlf.jsonl"], "\uFEFF{\"prompt\": \"row 1\"}\r\n\r\n{\"prompt\": \"row 2\"}");
        JsonArray rows = Generated(Model, "--input", _work["crlf.jsonl"]);
        Assert.That(rows.Select(r => r!["tokens"]!.ToJsonString()), Is.EqualTo(Generated(Model, "row 1", "row 2", "--raw").Select(r => r!["tokens"]!.ToJsonString())));
    }

    [Test]
    public void Fault_39_a_folder_or_a_device_of_prompts_is_refused_before_it_is_read()
    {
        CommandLine folder = Ask("generate", Model, "--input", _work.Folder);
        Assert.That((folder.Code, folder.Error), Is.EqualTo((3, $"error: {_work.Folder}: a folder was found, a file wanted\n")));
        if (!OperatingSystem.IsLinux()) return;
        CommandLine device = Ask("generate", Model, "--input", "/dev/zero");
        Assert.That((device.Code, device.Error), Is.EqualTo((3, "error: /dev/zero: a device or pipe was found, a regular file wanted\n")));
    }

    [Test]
    public void Fault_40_prompts_that_are_not_UTF_8_name_line_and_column()
    {
        File.WriteAllBytes(_work["latin.jsonl"], [.. "{\"prompt\": \"a\"}\n{\"prompt\": \""u8, 0xE4, .. "\"}\n"u8]);
        CommandLine run = Ask("generate", Model, "--input", _work["latin.jsonl"]);
        Assert.That((run.Code, run.Error), Is.EqualTo((3, $"error: {_work["latin.jsonl"]}: line 2, column 13: byte 0xE4 was found, UTF-8 wanted\n")));
    }

    [Test]
    public void Fault_44_a_prompt_longer_than_the_context_is_refused_with_both_lengths()
    {
        CommandLine run = Ask("generate", Model, string.Join(' ', Enumerable.Range(0, 3000)), "--raw");
        Assert.That(run.Code, Is.EqualTo(2), run.Error);
        Assert.That(run.Error, Does.Match(@"^error: prompt 0 has \d+ tokens, which leaves no room in the model's context of \d+\n$"));
    }

    [TestCase("{% for i in range(1000000000) %}{% for j in range(1000000000) %}{% endfor %}{% endfor %}", TestName = "Fault_33 a template that loops")]
    [TestCase("{% for i in range(100000) %}{{ 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' }}{% endfor %}", TestName = "Fault_33 a template that prints ten megabytes")]
    [TestCase("{{ messages.__class__.__mro__ }}", TestName = "Fault_33 a template that reaches for attributes")]
    public void A_hostile_template_ends_in_an_error_or_in_nothing(string template)
    {
        string folder = _work[$"hostile{template.Length}"];
        Directory.CreateDirectory(folder);
        foreach (string file in Directory.EnumerateFiles(Model)) File.Copy(file, Path.Combine(folder, Path.GetFileName(file)), overwrite: true);
        File.Delete(Path.Combine(folder, "chat_template.jinja"));
        var config = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "tokenizer_config.json")))!.AsObject();
        config["chat_template"] = template;
        File.WriteAllText(Path.Combine(folder, "tokenizer_config.json"), config.ToJsonString());
        var clock = System.Diagnostics.Stopwatch.StartNew();
        CommandLine run = Ask("generate", folder, "what?", "--max-new-tokens", "2");
        Assert.That(clock.Elapsed, Is.LessThan(TimeSpan.FromSeconds(60)));
        Assert.That(run.Code, Is.EqualTo(3), run.Error);
        Assert.That(run.Error.TrimEnd('\n'), Does.StartWith("error: ").And.Not.Contain("\n"));
    }

    [Test]
    public void Fault_27_a_tokenizer_with_more_ids_than_the_embedding_has_rows_is_refused()
    {
        string folder = _work["widened"];
        Directory.CreateDirectory(folder);
        foreach (string file in Directory.EnumerateFiles(Model)) File.Copy(file, Path.Combine(folder, Path.GetFileName(file)), overwrite: true);
        string path = Path.Combine(folder, "tokenizer.json");
        var tokenizer = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        tokenizer["added_tokens"]!.AsArray().Add(new JsonObject
        {
            ["id"] = (int)JsonNode.Parse(File.ReadAllText(Path.Combine(Model, "config.json")))!["vocab_size"]!, ["content"] = "<beyond>", ["single_word"] = false, ["lstrip"] = false, ["rstrip"] = false,
            ["normalized"] = false, ["special"] = true,
        });
        File.WriteAllText(path, tokenizer.ToJsonString());
        CommandLine run = Ask("generate", folder, "x", "--raw");
        Assert.That(run.Code, Is.EqualTo(3), run.Error);
        Assert.That(run.Error, Does.Match(@"the token ""<beyond>"" has the id \d+, but the model's embedding has \d+ rows"));
    }

    [Test]
    public void Fault_34_marks_of_the_template_in_a_question_are_text()
    {
        JsonNode plain = Generated(Model, "a")[0]!, marked = Generated(Model, "<|im_end|>")[0]!;
        Assert.That((int)marked["prompt_tokens"]!, Is.GreaterThan((int)plain["prompt_tokens"]! + 3), "the mark is spelled out, not one token");
    }

    [Test]
    public void Evaluate_sets_base_beside_adapter()
    {
        CommandLine run = Ask("evaluate", Model, "--adapter", Adapter, "--data", _work["chat.jsonl"], "--rows", "0:5");
        Assert.That(run.Code, Is.Zero, run.Error);
        Assert.That(run.Out, Does.Match(@"base\s+[\d.]+\s+[\d.]+\s+\d+").And.Match(@"adapter\s+[\d.]+\s+[\d.]+\s+\d+"));
    }

    [Test]
    public void Each_rows_log_probability_is_that_of_its_tokens_and_all_make_up_the_loss()
    {
        CommandLine run = Ask("generate", Model, "row 1", "--raw", "--max-new-tokens", "4", "--json", "--logprobs");
        JsonNode answer = run.Json[0]!;
        _work.Write("said.jsonl", new JsonObject { ["prompt"] = "row 1", ["completion"] = (string)answer["text"]! }.ToJsonString(), "{\"prompt\": \"what\", \"completion\": \" is this\"}");
        JsonNode judged = Ask("evaluate", Model, "--data", _work["said.jsonl"], "--each", "--json").Json["base"]!;
        JsonArray rows = judged["rows"]!.AsArray();
        Assert.That(rows.Select(r => (int)r!["line"]!), Is.EqualTo(new[] { 1, 2 }));
        Assert.That(-rows.Sum(r => (double)r!["logprob"]!) / rows.Sum(r => (int)r!["labels"]!), Is.EqualTo((double)judged["loss"]!).Within(1e-9));
        // What was generated, and the end token behind it.
        double end = (double)rows[0]!["logprob"]! - (double)answer["logprob"]!;
        Assert.That((int)rows[0]!["labels"]!, Is.EqualTo(answer["tokens"]!.AsArray().Count + 1));
        Assert.That(end, Is.LessThan(0).And.GreaterThan(-30));
        Assert.That(Ask("evaluate", Model, "--data", _work["said.jsonl"], "--each").Out, Does.Match(@"\s2\s+\d+\s+-\d+\.\d{4}\s+\d+\.\d{4}"));
    }

    [Test]
    public void The_loss_does_not_depend_on_the_batch_size()
    {
        double Loss(string size) => (double)Ask("evaluate", Model, "--data", _work["chat.jsonl"], "--batch-size", size, "--json").Json["base"]!["loss"]!;
        Assert.That(Loss("1"), Is.EqualTo(Loss("5")).Within(1e-5));
    }

    [Test]
    public void Fault_48_an_adapter_of_another_base_is_exit_3()
    {
        Workplace other = new();
        string config = File.ReadAllText(other["model/config.json"]);
        File.WriteAllText(other["model/config.json"], config.Replace("\"intermediate_size\": 384", "\"intermediate_size\": 256", StringComparison.Ordinal));
        Assert.That(other.Train("full.yaml").Code, Is.Zero);
        CommandLine run = Ask("generate", other["base/final"], "x", "--adapter", Adapter);
        other.Dispose();
        Assert.That(run.Code, Is.EqualTo(3), run.Error);
        Assert.That(run.Error, Does.Contain("256").And.Contain("384").And.Contain("lora_"));
    }

    [Test]
    public void Merge_without_an_adapter_is_exit_2()
    {
        CommandLine run = Ask("merge", Model, "--output", _work["m"]);
        Assert.That((run.Code, run.Error), Is.EqualTo((2, $"error: {Model} is no adapter: name one with --adapter\n")));
    }

    [Test]
    public void Fault_17_merge_never_writes_over_the_base()
    {
        byte[] weights = File.ReadAllBytes(Path.Combine(Model, "model.safetensors"));
        CommandLine run = Ask("merge", Adapter, "--output", Model);
        Assert.That(run.Code, Is.EqualTo(3));
        Assert.That(run.Error, Does.Contain("it holds the base's own weights"));
        Assert.That(File.ReadAllBytes(Path.Combine(Model, "model.safetensors")), Is.EqualTo(weights));
    }

    [Test]
    public void A_merged_model_has_the_dtype_asked_for()
    {
        CommandLine run = Ask("merge", Adapter, "--output", _work["half"], "--dtype", "BF16");
        Assert.That(run.Code, Is.Zero, run.Error);
        Assert.That(run.Out, Does.Contain("(BF16); logits moved by"));
        var json = CommandLine.Run("inspect", _work["half"], "--json").Json;
        Assert.That(json["tensors"]!.AsArray().Select(t => (string)t!["dtype"]!), Is.All.EqualTo("BF16"));
        Assert.That(File.ReadAllText(_work["half/config.json"]), Does.Contain("\"dtype\": \"bfloat16\""));
    }
}
