using KernelTune.Cli.Rendering;
using KernelTune.Devices.Reference;
using KernelTune.Training.Runs;

namespace KernelTune.Cli.Tests.Rendering;

public sealed class RenderingTests
{
    private static string Written(Action<Terminal> show)
    {
        using var output = new StringWriter();
        show(new Terminal(output, TextWriter.Null));
        return output.ToString();
    }

    [Test]
    public void A_step_is_one_line() =>
        Assert.That(StepLine.Format(new StepView(7, 120, 1.23456, 2e-4, 0.81234, 1234.5, "tokens", 0.414, 300 << 20, TimeSpan.FromSeconds(75))),
            Is.EqualTo("step   7/120  loss 1.2346  lr 2.00e-04  norm 0.8123    1,234 tok/s   41% of peak  300.0 MiB  1:15 left"));

    [Test]
    public void Numbers_too_small_or_no_numbers_are_shown_as_what_they_are()
    {
        string line = StepLine.Format(new StepView(1, 9, double.NaN, 0, 1e-7, 0, "tokens", null, 0, TimeSpan.FromHours(25)));
        Assert.That(line, Is.EqualTo("step 1/9  loss NaN  lr 0.00e+00  norm 1.000e-07        0 tok/s  0 B  25:00:00 left"));
    }

    [Test]
    public void The_panel_names_everything_before_step_1()
    {
        string panel = Written(t => RunPanel.Show(new RunView("m[1]", "LlamaForCausalLM", "lora, rank 8 at 28 sites", 1000, 50_000, "640 rows, 160 steps", "cpu, 2 threads",
            [("weights", 3 << 20), ("adapters", 4096)], 5 << 20, "/runs/x", ["a.csv: CSV with ',' between fields; texts from text"]), t.Results));
        foreach (string part in (string[])["m[1] (LlamaForCausalLM)", "1,000 of 50,000 parameters (2%)", "5.00 MiB predicted", "3.00 MiB  weights", "4.00 KiB  adapters", "/runs/x", "a.csv: CSV with ',' between fields; texts from text"])
            Assert.That(panel, Does.Contain(part));
        Assert.That(panel, Does.Not.Contain("\x1b"));
    }

    [Test]
    public void The_ledger_sets_predicted_beside_measured()
    {
        var ledger = new LedgerView([new("weights", 1000, 1000), new("activations", 500, 450)], new("pool", 2000, 1900), new("process", 4000, 4100));
        string table = Written(t => LedgerTable.Show(ledger, t.Results));
        Assert.That(table, Does.Match(@"activations\s+500 B\s+450 B\s+0\.900"));
        Assert.That(table, Does.Match(@"sum\s+1\.46 KiB\s+1\.42 KiB\s+0\.967"));
        Assert.That(table, Does.Match(@"process\s+3\.91 KiB\s+4\.00 KiB\s+1\.025"));
        Assert.That((long?)ledger.ToJson()["categories"]!["weights"]!["measured"], Is.EqualTo(1000));
    }

    [Test]
    public void A_peak_that_steps_beat_is_measured_again_a_few_times_and_no_more()
    {
        using var device = new ReferenceDevice();
        using var screen = new StringWriter();
        int measured = 0;
        var report = new TrainingReport(new Terminal(TextWriter.Null, screen), device, () => 100 * ++measured);
        for (int step = 1; step <= 20; step++)
            report.Report(new StepEvent(step, 20, 0, 1, 1e-3, 1, 10, "tokens", 10, 1.0, 50 * step));
        Assert.That(measured, Is.EqualTo(4), "once before step 1, and when steps 3, 5 and 7 beat it");
        string[] lines = screen.ToString().Trim().Split('\n');
        Assert.That(lines[1], Does.Contain("100% of peak"), "100 of 100");
        Assert.That(lines[2], Does.Contain(" 75% of peak"), "150 of 200");
        Assert.That(lines[6], Does.Contain(" 88% of peak"), "350 of 400");
        Assert.That(lines[19], Does.Contain("100% of peak"), "the best step is the peak");
    }

    [Test]
    public void A_passing_line_is_overwritten_on_a_screen_and_kept_elsewhere()
    {
        using var screen = new StringWriter();
        var terminal = new Terminal(TextWriter.Null, screen, interactive: true);
        terminal.Event([], "one", passing: true);
        terminal.Event([], "two", passing: true);
        terminal.Info("done");
        Assert.That(screen.ToString(), Is.EqualTo("\rone\x1b[K\rtwo\x1b[K\ndone\n"));

        using var file = new StringWriter();
        terminal = new Terminal(TextWriter.Null, file);
        terminal.Event([], "one", passing: true);
        terminal.Event([], "two", passing: true);
        Assert.That(file.ToString(), Is.EqualTo("one\ntwo\n"));
    }
}
