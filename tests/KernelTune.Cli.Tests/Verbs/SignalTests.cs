using System.Diagnostics;
using System.Runtime.InteropServices;

namespace KernelTune.Cli.Tests.Verbs;

/// <summary>A process of its own that gets real signals.</summary>
public sealed partial class SignalTests
{
    private const int Interrupt = 2, Terminate = 15;

    [TestCase(Interrupt, 130)]
    [TestCase(Terminate, 143)]
    public void Fault_57_a_signal_finishes_the_step_saves_and_leaves(int signal, int code)
    {
        using var work = new Workplace();
        using Process process = Start(work, "training.max_steps=100000");
        WaitForStep(process);
        Assert.That(Kill(process.Id, signal), Is.Zero);
        Task<string> rest = process.StandardError.ReadToEndAsync();
        bool left = process.WaitForExit(60_000);
        if (!left)
            process.Kill(entireProcessTree: true);
        string error = rest.GetAwaiter().GetResult();
        Assert.That(left, "it must leave after the step");
        Assert.That(process.ExitCode, Is.EqualTo(code), error);
        Assert.That(Directory.GetDirectories(work["base"], "checkpoint-*"), Is.Not.Empty);

        int step = Directory.GetDirectories(work["base"], "checkpoint-*").Max(d => int.Parse(d[(d.LastIndexOf('-') + 1)..], System.Globalization.CultureInfo.InvariantCulture));
        CommandLine run = work.Train("full.yaml", "--resume", $"training.max_steps={step + 1}", "data.validation=none", "schedule.type=constant");
        Assert.That(run.Code, Is.Zero, run.Error);
        Assert.That(run.Error, Does.Contain($"resumed at step {step}"));
    }

    private static Process Start(Workplace work, params string[] settings)
    {
        string program = Path.Combine(AppContext.BaseDirectory, "kerneltune.dll");

        // A shell starts what runs in its background with SIGINT ignored, and that is inherited: the process under test must get the default.
        var start = new ProcessStartInfo("env", ["--default-signal=INT", "dotnet", program, "train", work["full.yaml"], "--threads", "1", "data.validation=none", "schedule.type=constant", .. settings])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        };
        return Process.Start(start)!;
    }

    private static void WaitForStep(Process process)
    {
        while (process.StandardError.ReadLine() is { } line)
            if (line.StartsWith("step ", StringComparison.Ordinal))
                return;
        Assert.Fail($"the run ended before its first step: {process.ExitCode}");
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);
}
