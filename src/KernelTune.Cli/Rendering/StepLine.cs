using System.Globalization;
using KernelTune.Cli.Recipes;

namespace KernelTune.Cli.Rendering;

/// <summary>What is known once a step is done.</summary>
/// <param name="Step">From 1.</param>
/// <param name="Steps">In all.</param>
/// <param name="Loss">Before the update.</param>
/// <param name="LearningRate">Of the step.</param>
/// <param name="GradientNorm">Before clipping.</param>
/// <param name="ItemsPerSecond">Of the step.</param>
/// <param name="ItemsName">"tokens", "pictures".</param>
/// <param name="PeakShare">Model FLOPs a second as a share of the measured peak; null: it was not measured.</param>
/// <param name="Memory">Bytes in use at most so far.</param>
/// <param name="Left">Time left, at the pace so far.</param>
internal readonly record struct StepView(
    int Step, int Steps, double Loss, double LearningRate, double GradientNorm, double ItemsPerSecond, string ItemsName, double? PeakShare, long Memory, TimeSpan Left);

/// <summary>A step as a line of text, columns aligned from line to line.</summary>
internal static class StepLine
{
    public static string Format(in StepView step)
    {
        int width = step.Steps.ToString(CultureInfo.InvariantCulture).Length;
        string number = step.Step.ToString(CultureInfo.InvariantCulture).PadLeft(width);
        string peak = step.PeakShare is { } share ? string.Create(CultureInfo.InvariantCulture, $"  {100 * share,3:0}% of peak") : "";
        return string.Create(CultureInfo.InvariantCulture,
            $"step {number}/{step.Steps}  loss {Number(step.Loss)}  lr {step.LearningRate:0.00e+00}  norm {Number(step.GradientNorm)}  {step.ItemsPerSecond,7:N0} {Short(step.ItemsName)}/s{peak}  {ByteCount.Show(step.Memory)}  {Time(step.Left)} left");
    }

    private static string Short(string items) => items == "tokens" ? "tok" : items;

    /// <summary>h:mm:ss, or m:ss below an hour.</summary>
    public static string Time(TimeSpan time) =>
        time.TotalHours >= 1
            ? string.Create(CultureInfo.InvariantCulture, $"{(int)time.TotalHours}:{time.Minutes:00}:{time.Seconds:00}")
            : string.Create(CultureInfo.InvariantCulture, $"{time.Minutes}:{time.Seconds:00}");

    // Four places while that says something; NaN and infinity as themselves.
    private static string Number(double value) => Math.Abs(value) is >= 1000 or (> 0 and < 0.001)
        ? value.ToString("0.000e+00", CultureInfo.InvariantCulture)
        : value.ToString("0.0000", CultureInfo.InvariantCulture);
}
