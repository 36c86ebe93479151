using KernelTune.Checkpoints;
using KernelTune.Cli.Models;
using KernelTune.Data;
using KernelTune.Devices;
using KernelTune.Evaluation.Generation;
using KernelTune.Kernels.Gpu.Inspection;
using KernelTune.Methods;
using KernelTune.Models;
using KernelTune.Text;
using KernelTune.Text.Jinja;
using KernelTune.Training.Recipes;
using KernelTune.Training.Runs;
using KernelTune.Training.Schedules;

namespace KernelTune.Cli;

/// <summary>The one place that says which exception ends the process with which code, and what the user reads.</summary>
internal static class Failures
{
    /// <summary>The exit code of a command that <paramref name="exception"/> ended.</summary>
    public static ExitCode CodeOf(Exception exception) => exception switch
    {
        UsageException or RecipeException or MethodException or ScheduleException or GenerationException or ResumeException or InspectionException => ExitCode.Usage,
        DivergedException => ExitCode.Diverged,
        CheckpointStorageException => ExitCode.Storage,
        CheckpointException or TemplateException or TokenizerException or DataException or ModelException => ExitCode.InputFile,
        DeviceMemoryException or OutOfMemoryException => ExitCode.Memory,
        DeviceException => ExitCode.Usage,
        InvalidDataException => ExitCode.InputFile,
        IOException or UnauthorizedAccessException => ExitCode.Storage,
        AggregateException { InnerExceptions: [var only] } => CodeOf(only),
        _ => ExitCode.Internal,
    };

    /// <summary>One line for the user; with <paramref name="debug"/> the stack trace below it.</summary>
    public static string Describe(Exception exception, bool debug)
    {
        if (exception is AggregateException { InnerExceptions: [var only] }) exception = only;
        string line = OneLine(exception.Message);
        if (CodeOf(exception) == ExitCode.Internal) line = $"internal error: {exception.GetType().Name}: {line}" + (debug ? "" : " (--debug shows where)");
        return debug ? line + Environment.NewLine + exception : line;
    }

    // Names from files end up in messages: no control character of theirs reaches the terminal.
    private static string OneLine(string text) =>
        string.Join(' ', text.Split((char[])['\r', '\n'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
            .Aggregate(new System.Text.StringBuilder(), (line, c) => char.IsControl(c) ? line.Append('\ufffd') : line.Append(c)).ToString();
}

/// <summary>The command line asks for something that cannot be.</summary>
internal sealed class UsageException(string message) : Exception(message);
