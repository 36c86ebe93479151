using System.Globalization;
using KernelTune.Cli.Recipes;
using KernelTune.Cli.Rendering;
using KernelTune.Devices;
using KernelTune.Devices.Cpu;
using KernelTune.Devices.Memory;
using KernelTune.Devices.Shapes;
using KernelTune.Training;
using KernelTune.Training.Recipes;
using KernelTune.Training.Runs;

namespace KernelTune.Cli.Models;

/// <summary>Takes a run from its recipe to its end, showing it: the panel, the progress, the ledger.</summary>
internal sealed class RunConductor(Terminal terminal, Device device)
{
    /// <summary>Plans the run, and trains it.</summary>
    /// <exception cref="MemoryPlanException">The plan needs more than the recipe's limit.</exception>
    public (RunResult Result, LedgerView Ledger) Train(RunRequest request, CancellationToken stop)
    {
        Func<double>? peak = device is CpuDevice cpu ? () => MeasuredPeaks.FlopsOf(cpu.Threads, cpu.Set) : null;
        using TrainingRun run = TrainingRun.Open(request, device, new TrainingReport(terminal, device, peak));
        (MemoryPlan plan, RunView view) = Plan(run);
        if (!terminal.LogsJson) RunPanel.Show(view, terminal.Progress);
        Note(run);
        run.Start(stop);
        RunResult result = TrainingLoop.Run(run, stop);
        terminal.CloseLine();
        long[] measured = device.Ledger.AtPeak();
        var ledger = new LedgerView(
            [.. Rows(plan.PeakByCategory, measured)],
            new LedgerRow("pool, with its gaps", plan.Touched, device.Touched),
            new LedgerRow("process", run.ResidentBefore + plan.Touched, ProcessMemory.PeakResident));
        return (result, ledger);
    }

    /// <summary>Everything that is known before step 1, nothing written.</summary>
    /// <exception cref="MemoryPlanException">The plan needs more than the recipe's limit.</exception>
    public RunView DryRun(RunRequest request)
    {
        using TrainingRun run = TrainingRun.Open(request, device);
        RunView view = Plan(run).View;
        Note(run);
        return view;
    }

    private static (MemoryPlan Plan, RunView View) Plan(TrainingRun run)
    {
        using var shapes = new ShapesDevice(run.Device);
        MemoryPlan plan = run.Plan(shapes);
        Recipe recipe = run.Recipe;
        string method = plan.Method + (recipe.Adapter is { } adapter ? $", from {adapter}" : "");
        string contents = run.Data.Contents.Length > 0 ? $" ({run.Data.Contents})" : recipe.Data.Packing ? " (packed)" : "";
        string data = Text($"{run.Data.Count} {run.Task.Examples}{contents}, {run.StepsPerEpoch} steps an epoch, {run.Steps} steps in all")
            + (run.Data.Validation is { } validation ? Text($"; {validation.Count} {run.Task.Examples} to validate on") : "");
        var memory = Enum.GetValues<Category>().Select(c => (c.Label(), plan.PeakByCategory[(int)c])).Where(m => m.Item2 > 0).OrderByDescending(m => m.Item2);
        return (plan, new RunView(recipe.Model, run.Architecture, method, plan.Trainable, plan.Total, data, MachineOptions.Describe(run.Device), [.. memory], plan.Touched, run.Output, run.Data.Account) { Notes = [.. Notes(run)] });
    }

    private static IEnumerable<(string, string)> Notes(TrainingRun run)
    {
        TrainingSettings training = run.Recipe.Training;
        if (run.BatchSizeLimit is { } limit)
            yield return ("batch", Text($"{training.BatchSize} {run.Task.Examples} a micro-batch: the largest power of two within {ByteCount.Show(limit)}"));
        if (training.ReleasesGradients)
            yield return ("gradients", "each given back once its parameter is updated, within the backward pass");
    }

    private void Note(TrainingRun run)
    {
        foreach (string note in run.Data.Notes) terminal.Warn(note);
    }

    private static IEnumerable<LedgerRow> Rows(IReadOnlyList<long> predicted, long[] measured) =>
        from category in Enum.GetValues<Category>()
        let row = new LedgerRow(category.Label(), predicted[(int)category], measured[(int)category])
        where row.Predicted > 0 || row.Measured > 0
        orderby row.Predicted descending
        select row;

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
