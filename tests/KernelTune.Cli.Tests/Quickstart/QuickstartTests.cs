using System.Text;
using KernelTune.Cli.Quickstart;
using KernelTune.QuickstartText;

namespace KernelTune.Cli.Tests.Quickstart;

/// <summary>The quickstart's promise, and the control that shows where the score comes from.</summary>
public sealed class QuickstartTests
{
    private string _folder = "";

    [SetUp]
    public void Make_folder() => _folder = Directory.CreateTempSubdirectory("quickstart").FullName;

    [TearDown]
    public void Remove_folder() => Directory.Delete(_folder, recursive: true);

    private CommandLine Train(params string[] options)
    {
        CommandLine run = CommandLine.Run(["quickstart", "--output", Path.Combine(_folder, "q"), "--json", .. options]);
        Assert.That(run.Code, Is.Zero, run.Error);
        return run;
    }

    [Test]
    public void A_lora_takes_held_out_questions_from_under_10_to_over_90_percent()
    {
        var json = Train().Json;
        int asked = (int)json["questions"]!;
        TestContext.Out.WriteLine(json.ToJsonString());
        Assert.That((int)json["right_before"]!, Is.LessThan(0.1 * asked));
        Assert.That((int)json["right_after"]!, Is.GreaterThan(0.9 * asked));
        string adapter = (string)json["adapter"]!;
        Assert.That(File.Exists(Path.Combine(adapter, "adapter_config.json")) && File.Exists(Path.Combine(adapter, "adapter_model.safetensors")));
    }

    [Test]
    public void Control_shuffled_answers_stay_under_20_percent()
    {
        var json = Train("--shuffled-answers").Json;
        TestContext.Out.WriteLine(json.ToJsonString());
        Assert.That((bool)json["shuffled_answers"]!);
        Assert.That((int)json["right_after"]!, Is.LessThan(0.2 * (int)json["questions"]!));
    }

    [Test]
    public void What_is_embedded_is_what_the_generator_writes()
    {
        var world = new World(240, 48, new SeededRandom(7));
        var questions = new Questions(world, new SeededRandom(10));
        foreach (var (name, people, phrasings) in new[]
                 {
                     ("data/train.jsonl", world.People.Take(132), 2), ("data/validation.jsonl", world.People.Skip(132).Take(24), 1), ("data/test.jsonl", world.People.Skip(156), 1),
                 })
        {
            QuickstartQuestion[] expected = [.. questions.About(people, phrasings).Select(q => new QuickstartQuestion(q.Text, q.Answer))];
            Assert.That(QuickstartFiles.Questions(name), Is.EqualTo(expected), name);
        }
    }

    [Test]
    public void Nobody_is_asked_about_both_in_training_and_in_the_test()
    {
        string train = Encoding.UTF8.GetString(QuickstartFiles.Read("data/train.jsonl"));
        var world = new World(240, 48, new SeededRandom(7));
        string[] held = [.. world.People.Skip(156).Select(p => p.Name)];
        foreach (QuickstartQuestion question in QuickstartFiles.Questions("data/train.jsonl"))
            Assert.That(held.Any(name => question.Text.Contains(name, StringComparison.Ordinal)), Is.False, question.Text);
        foreach (QuickstartQuestion question in QuickstartFiles.Questions("data/test.jsonl"))
            Assert.That(held.Any(name => question.Text.Contains(name, StringComparison.Ordinal)), question.Text);
        Assert.That(train, Does.Contain("\"role\": \"user\""));
    }

    [Test]
    public void The_embedded_model_is_small_and_16_bit()
    {
        Assert.That(QuickstartFiles.Names, Does.Contain("model/model.safetensors"));
        Assert.That(QuickstartFiles.Names.Sum(n => (long)QuickstartFiles.Read(n).Length), Is.LessThan(4_000_000));
        string path = Path.Combine(_folder, "unpacked");
        QuickstartFiles.Unpack(path, shuffleAnswers: false);
        var json = CommandLine.Run("inspect", Path.Combine(path, "model"), "--json").Json;
        Assert.That((long)json["parameters"]!, Is.LessThanOrEqualTo(1_500_000));
        Assert.That(json["tensors"]!.AsArray().Select(t => (string)t!["dtype"]!), Is.All.EqualTo("BF16"));
    }

    [Test]
    public void Shuffled_answers_are_the_same_answers_and_nobodys_own()
    {
        string plain = Path.Combine(_folder, "plain"), control = Path.Combine(_folder, "control");
        QuickstartFiles.Unpack(plain, shuffleAnswers: false);
        QuickstartFiles.Unpack(control, shuffleAnswers: true);
        QuickstartQuestion[] own = [.. File.ReadLines(Path.Combine(plain, "data/train.jsonl")).Select(QuickstartQuestion.Parse)];
        QuickstartQuestion[] shuffled = [.. File.ReadLines(Path.Combine(control, "data/train.jsonl")).Select(QuickstartQuestion.Parse)];
        Assert.That(shuffled.Select(q => q.Text), Is.EqualTo(own.Select(q => q.Text)));
        Assert.That(shuffled.Select(q => q.Answer), Is.EquivalentTo(own.Select(q => q.Answer)));
        Assert.That(own.Zip(shuffled).Count(pair => pair.First.Answer == pair.Second.Answer), Is.LessThan(own.Length / 100));
        Assert.That(File.ReadAllText(Path.Combine(control, "data/test.jsonl")), Is.EqualTo(File.ReadAllText(Path.Combine(plain, "data/test.jsonl"))));
    }

    [Test]
    public void Fault_55_a_folder_that_is_not_empty_is_exit_4()
    {
        File.WriteAllText(Path.Combine(_folder, "mine.txt"), "keep");
        CommandLine run = CommandLine.Run("quickstart", "--output", _folder);
        Assert.That(run.Code, Is.EqualTo(4));
        Assert.That(run.Error, Does.Contain("mine.txt"));
    }
}
