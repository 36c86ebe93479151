using System.CommandLine;
using System.CommandLine.Parsing;
using KernelTune.Cli.Verbs;

namespace KernelTune.Cli;

/// <summary>The command <c>kerneltune</c>: its verbs, the options that they share, and how each ends.</summary>
internal sealed class Application
{
    // Linux's EPIPE, which .NET hands through.
    private const int BrokenPipe = 32;

    private readonly Terminal _terminal;
    private readonly Signals? _signals;
    private readonly Option<string> _logFormat = new("--log-format") { Description = "text, or json: one object a line, on standard error", Recursive = true };
    private readonly Option<bool> _debug = new("--debug") { Description = "show the stack trace of an error", Recursive = true };

    private Application(Terminal terminal, Signals? signals) => (_terminal, _signals) = (terminal, signals);

    /// <summary>Runs the command line <paramref name="arguments"/>.</summary>
    /// <returns>The process's exit code; <see cref="ExitCode"/> names them.</returns>
    public static int Run(IReadOnlyList<string> arguments, Terminal terminal, Signals? signals = null) =>
        new Application(terminal, signals).Invoke(arguments);

    /// <summary>The command with all its verbs.</summary>
    public RootCommand Root()
    {
        _logFormat.DefaultValueFactory = _ => "text";
        _logFormat.AcceptOnlyFromAmong("text", "json");
        return new RootCommand("Fine-tunes language models: a training engine in C#.")
        {
            _logFormat,
            _debug,
            new QuickstartVerb().Command(this),
            new TrainVerb().Command(this),
            new EvaluateVerb().Command(this),
            new GenerateVerb().Command(this),
            new MergeVerb().Command(this),
            new InspectVerb().Command(this),
            new KernelsVerb().Command(this),
            new DoctorVerb().Command(this),
        };
    }

    /// <summary>Makes <paramref name="work"/> what <paramref name="command"/> does: shared options are read, and what it throws becomes a line and a code.</summary>
    public Command WithAction(Command command, Action<ParseResult, Terminal, CancellationToken> work)
    {
        command.SetAction(parsed =>
        {
            _terminal.LogsJson = parsed.GetValue(_logFormat) == "json";
            _terminal.Debug = parsed.GetValue(_debug);
            try
            {
                work(parsed, _terminal, _signals?.Stop ?? default);
                return (int)(_signals?.Code ?? ExitCode.Success);
            }
            catch (IOException e) when (e.HResult == BrokenPipe)
            {
                // Whoever read the results has read enough: nobody is left to be told.
                return (int)ExitCode.Storage;
            }
            catch (OperationCanceledException) when (_signals?.Code is not null)
            {
                return (int)_signals.Code.Value;
            }
#pragma warning disable CA1031 // The outermost frame: whatever it is, the user reads a line and the process ends with a code.
            catch (Exception e)
#pragma warning restore CA1031
            {
                _terminal.Fail(Failures.Describe(e, _terminal.Debug));
                return (int)Failures.CodeOf(e);
            }
        });
        return command;
    }

    private int Invoke(IReadOnlyList<string> arguments)
    {
        ParseResult parsed = Root().Parse(arguments);
        if (parsed.Errors.Count > 0)
        {
            _terminal.LogsJson = arguments.Contains("--log-format=json") || arguments.SkipWhile(a => a != "--log-format").Skip(1).FirstOrDefault() == "json";
            _terminal.Fail($"{Complaint(parsed)} (kerneltune {Verb(parsed)}--help says how)");
            return (int)ExitCode.Usage;
        }
        return parsed.Invoke(new InvocationConfiguration
        {
            Output = _terminal.Out,
            Error = _terminal.Error,
            EnableDefaultExceptionHandler = false,
            ProcessTerminationTimeout = null,   // signals are ours
        });
    }

    private static string Verb(ParseResult parsed) => string.Concat(Path(parsed.CommandResult).Select(name => name + " "));

    // The words before the one that is wrong, without kerneltune itself.
    private static IEnumerable<string> Path(CommandResult? result) =>
        result is null or { Command: RootCommand } ? [] : Path(result.Parent as CommandResult).Append(result.Command.Name);

    private static string Complaint(ParseResult parsed)
    {
        if (parsed.CommandResult.Command is not { Subcommands.Count: > 0 } command) return parsed.Errors[0].Message;
        string[] verbs = [.. command.Subcommands.Select(c => c.Name)];
        if (parsed.UnmatchedTokens is not [var word, ..]) return $"no command given: {string.Join(", ", verbs)}";
        string nearest = verbs.MinBy(v => EditDistance.Between(v, word))!;
        return $"unknown command '{word}'" + (EditDistance.Between(nearest, word) <= 3 ? $"; did you mean {nearest}?" : $": {string.Join(", ", verbs)}");
    }
}
