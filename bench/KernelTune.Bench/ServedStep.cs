using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;

namespace KernelTune.Bench;

/// <summary>A process that says "ready" and then answers each line "step" with the milliseconds of one training step, and "quit" with a line of JSON: one of ours, or an opponent.</summary>
internal sealed class ServedStep : IDisposable
{
    private readonly Process process;

    /// <summary>A command as a shell reads it.</summary>
    public ServedStep(string command)
        : this(new ProcessStartInfo("/bin/sh", ["-c", command]))
    {
    }

    /// <summary>A program with its arguments.</summary>
    public ServedStep(ProcessStartInfo start)
    {
        (start.RedirectStandardInput, start.RedirectStandardOutput) = (true, true);
        process = Process.Start(start)!;
        if (process.StandardOutput.ReadLine() != "ready")
            throw new InvalidOperationException($"it did not start: {start.FileName} {string.Join(' ', start.ArgumentList)}");
    }

    /// <summary>Runs one step.</summary>
    /// <returns>Its milliseconds.</returns>
    public double Step()
    {
        process.StandardInput.WriteLine("step");
        return double.Parse(Answer(), CultureInfo.InvariantCulture);
    }

    /// <summary>Ends it.</summary>
    /// <returns>What it says of itself.</returns>
    public JsonNode Quit()
    {
        process.StandardInput.WriteLine("quit");
        return JsonNode.Parse(Answer())!;
    }

    public void Dispose()
    {
        process.StandardInput.Close();
        if (!process.WaitForExit(10_000))
            process.Kill();
        process.Dispose();
    }

    private string Answer() => process.StandardOutput.ReadLine() ?? throw new InvalidOperationException("the process ended");
}
