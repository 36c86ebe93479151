using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Spectre.Console;

namespace KernelTune.Cli;

/// <summary>Where a command writes: results to standard output, progress, warnings and errors to standard error.</summary>
internal sealed class Terminal
{
    private const int RedirectedWidth = 120;
    private bool _lineIsOpen;

    /// <summary>A terminal over two writers; <paramref name="interactive"/> says that standard error is a screen whose last line can be rewritten.</summary>
    public Terminal(TextWriter output, TextWriter error, bool interactive = false, bool colour = false, int? width = null)
    {
        (Out, Error, IsInteractive) = (output, error, interactive);
        Results = Console(output, colour, width);
        Progress = Console(error, colour, width);
    }

    public TextWriter Out { get; }

    public TextWriter Error { get; }

    public bool IsInteractive { get; }

    /// <summary>Standard output, for tables.</summary>
    public IAnsiConsole Results { get; }

    /// <summary>Standard error, for panels.</summary>
    public IAnsiConsole Progress { get; }

    /// <summary>Whether what is logged is one JSON object a line.</summary>
    public bool LogsJson { get; set; }

    /// <summary>Whether an error shows its stack trace.</summary>
    public bool Debug { get; set; }

    /// <summary>The process's streams. NO_COLOR, and a stream that is no screen, switch colours off.</summary>
    public static Terminal OfProcess()
    {
        var output = new StreamWriter(System.Console.OpenStandardOutput(), new UTF8Encoding(false)) { AutoFlush = true };
        var error = new StreamWriter(System.Console.OpenStandardError(), new UTF8Encoding(false)) { AutoFlush = true };
        bool interactive = !System.Console.IsErrorRedirected && Environment.GetEnvironmentVariable("TERM") is not (null or "" or "dumb");
        bool colour = interactive && !System.Console.IsOutputRedirected && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"));
        return new Terminal(output, error, interactive, colour, interactive && System.Console.WindowWidth >= 40 ? System.Console.WindowWidth : null);
    }

    /// <summary>Something worth knowing, on standard error.</summary>
    public void Info(string message) => Log("info", message);

    /// <summary>Something that may be wrong, on standard error.</summary>
    public void Warn(string message) => Log("warning", message);

    public void Fail(string message) => Log("error", message);

    /// <summary>An event with fields: a line of JSON, or <paramref name="text"/>. A passing line is overwritten by the next on a screen.</summary>
    public void Event(JsonObject fields, string text, bool passing = false)
    {
        if (LogsJson)
        {
            WriteJsonLine(fields);
            return;
        }
        if (passing && IsInteractive)
        {
            // Carriage return, and erase to the end of the line; a line that wraps could not be taken back.
            int width = Progress.Profile.Width - 1;
            Error.Write($"\r{(text.Length <= width ? text : text[..width])}\x1b[K");
            _lineIsOpen = true;
            return;
        }
        CloseLine();
        Error.WriteLine(text);
    }

    /// <summary>Ends a passing line so that what follows stands below it.</summary>
    public void CloseLine()
    {
        if (_lineIsOpen) Error.WriteLine();
        _lineIsOpen = false;
    }

    /// <summary>A result as JSON on standard output, two spaces of indentation.</summary>
    public void WriteJson(JsonNode node)
    {
        using var bytes = new MemoryStream();
        using (var writer = new Utf8JsonWriter(bytes, new JsonWriterOptions { Indented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
            node.WriteTo(writer);
        Out.WriteLine(Encoding.UTF8.GetString(bytes.ToArray()));
    }

    private void Log(string level, string message)
    {
        if (LogsJson)
        {
            WriteJsonLine(new JsonObject { ["level"] = level, ["message"] = message });
            return;
        }
        CloseLine();
        Error.WriteLine(level == "info" ? message : $"{level}: {message}");
    }

    private void WriteJsonLine(JsonObject fields)
    {
        using var bytes = new MemoryStream();
        using (var writer = new Utf8JsonWriter(bytes, new JsonWriterOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            var line = new JsonObject { ["time"] = DateTime.UtcNow.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture) };
            foreach (var (key, value) in fields) line[key] = value?.DeepClone();
            line.WriteTo(writer);
        }
        Error.WriteLine(Encoding.UTF8.GetString(bytes.ToArray()));
    }

    private static IAnsiConsole Console(TextWriter writer, bool colour, int? width)
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = colour ? AnsiSupport.Yes : AnsiSupport.No,
            ColorSystem = colour ? ColorSystemSupport.Standard : ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.No,
            Out = new AnsiConsoleOutput(writer),
        });
        console.Profile.Width = width ?? RedirectedWidth;
        console.Profile.Capabilities.Unicode = true;
        return console;
    }
}
