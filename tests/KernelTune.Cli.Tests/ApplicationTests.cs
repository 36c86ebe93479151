using KernelTune.Checkpoints;
using KernelTune.Devices;
using KernelTune.Methods;
using KernelTune.Training.Recipes;

namespace KernelTune.Cli.Tests;

public sealed class ApplicationTests
{
    [Test]
    public void An_unknown_command_is_exit_2_and_a_guess()
    {
        CommandLine run = CommandLine.Run("insepct", "x");
        Assert.That(run.Code, Is.EqualTo(2));
        Assert.That(run.Error, Is.EqualTo("error: unknown command 'insepct'; did you mean inspect? (kerneltune --help says how)\n"));
        Assert.That(run.Out, Is.Empty);
    }

    [Test]
    public void An_unknown_option_is_exit_2()
    {
        CommandLine run = CommandLine.Run("doctor", "--yaml");
        Assert.That(run.Code, Is.EqualTo(2));
        Assert.That(run.Error, Does.StartWith("error: ").And.Contain("--yaml").And.EndWith("(kerneltune doctor --help says how)\n"));
    }

    [Test]
    public void Help_goes_to_standard_output()
    {
        CommandLine run = CommandLine.Run("inspect", "--help");
        Assert.That((run.Code, run.Error), Is.EqualTo((0, "")));
        Assert.That(run.Out, Does.Contain(" inspect <PATH> [options]"));
    }

    [Test]
    public void Errors_are_one_line_of_JSON_where_asked_for()
    {
        CommandLine run = CommandLine.Run("inspect", "/nowhere/model", "--log-format", "json");
        Assert.That(run.Code, Is.EqualTo(3));
        Assert.That(run.Error.TrimEnd().Split('\n'), Has.Length.EqualTo(1));
        var line = System.Text.Json.Nodes.JsonNode.Parse(run.Error)!;
        Assert.That((string?)line["level"], Is.EqualTo("error"));
        Assert.That((string?)line["message"], Is.EqualTo("/nowhere/model: no such folder or file"));
    }

    [Test]
    public void A_stack_trace_is_shown_only_with_debug()
    {
        Assert.That(CommandLine.Run("inspect", "/nowhere/model").Error, Is.EqualTo("error: /nowhere/model: no such folder or file\n"));
        Assert.That(CommandLine.Run("inspect", "/nowhere/model", "--debug").Error, Does.Contain("   at KernelTune."));
    }

    private static IEnumerable<TestCaseData> Exceptions()
    {
        yield return new TestCaseData(new RecipeException("r.yaml:1:2", "lora.r", "found 0"), 2);
        yield return new TestCaseData(new UsageException("no"), 2);
        yield return new TestCaseData(new MethodException("no target"), 2);
        yield return new TestCaseData(new DeviceException("cuda", "libcuda was not found"), 2);
        yield return new TestCaseData(new CheckpointException("m", "torn"), 3);
        yield return new TestCaseData(new InvalidDataException("no"), 3);
        yield return new TestCaseData(new CheckpointStorageException("m", StorageFault.DiskFull, "full"), 4);
        yield return new TestCaseData(new IOException("full"), 4);
        yield return new TestCaseData(new UnauthorizedAccessException("no"), 4);
        yield return new TestCaseData(new DeviceMemoryException("cpu", 1, 2, 3), 5);
        yield return new TestCaseData(new InsufficientMemoryException(), 5);
        yield return new TestCaseData(new AggregateException(new IOException("full")), 4);
        yield return new TestCaseData(new InvalidOperationException("a bug"), 1);
    }

    [TestCaseSource(nameof(Exceptions))]
    public void Every_exception_has_its_code(Exception exception, int code) => Assert.That((int)Failures.CodeOf(exception), Is.EqualTo(code));

    [Test]
    public void A_message_stays_one_line_without_control_characters() =>
        Assert.That(Failures.Describe(new CheckpointException("m", "a\nb\x1b[31m"), debug: false), Is.EqualTo("m: a b\ufffd[31m"));

    [Test]
    public void A_bug_says_so() =>
        Assert.That(Failures.Describe(new InvalidOperationException("x"), debug: false), Is.EqualTo("internal error: InvalidOperationException: x (--debug shows where)"));

    [Test]
    public void Fault_54_results_that_cannot_be_written_are_exit_4()
    {
        using var error = new StringWriter();
        using var device = new FileStream("/dev/full", FileMode.Open, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
        var full = new StreamWriter(device, leaveOpen: true) { AutoFlush = true };   // not disposed: it would flush once more
        int code = Application.Run(["doctor", "--quick"], new Terminal(full, error));
        Assert.That(code, Is.EqualTo(4));
        Assert.That(error.ToString(), Does.StartWith("error: ").And.Contain("No space left on device"));
    }
}
