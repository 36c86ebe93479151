using System.CommandLine;
using System.Text.Json.Nodes;
using KernelTune.Cli.Models;
using KernelTune.Devices;
using KernelTune.Evaluation.Generation;
using KernelTune.Text.Chat;
using KernelTune.Training.Runs;

namespace KernelTune.Cli.Verbs;

/// <summary><c>generate MODEL [PROMPT…]</c>: lets a model answer, or go on with a text.</summary>
internal sealed class GenerateVerb
{
    private readonly Argument<string> _model = new("MODEL") { Description = "a model, or an adapter's folder that names its base" };
    private readonly Argument<string[]> _prompts = new("PROMPT") { Description = "what to answer; several make a batch; none: standard input", Arity = ArgumentArity.ZeroOrMore };
    private readonly Option<string?> _adapter = new("--adapter") { Description = "an adapter's folder" };
    private readonly Option<string?> _input = new("--input") { Description = "JSON Lines of messages or prompt" };
    private readonly Option<bool> _raw = new("--raw") { Description = "go on with the prompt as it is, without the chat template" };
    private readonly Option<string?> _system = new("--system") { Description = "a system message" };
    private readonly Option<int> _maxNewTokens = new("--max-new-tokens") { Description = "the most tokens of an answer", DefaultValueFactory = _ => 256 };
    private readonly Option<double?> _temperature = new("--temperature") { Description = "draw tokens instead of taking the likeliest; below 1 prefers likely ones" };
    private readonly Option<int?> _topK = new("--top-k") { Description = "draw among the k likeliest" };
    private readonly Option<double?> _topP = new("--top-p") { Description = "draw among the likeliest that make up this probability" };
    private readonly Option<double?> _minP = new("--min-p") { Description = "draw among those at least this times as likely as the likeliest" };
    private readonly Option<double> _repetitionPenalty = new("--repetition-penalty") { Description = "above 1: tokens that stand there already are less likely", DefaultValueFactory = _ => 1 };
    private readonly Option<string[]> _stop = new("--stop") { Description = "a text that ends the answer", AllowMultipleArgumentsPerToken = false };
    private readonly Option<ulong> _seed = new("--seed") { Description = "of the draws", DefaultValueFactory = _ => 7 };
    private readonly Option<bool> _json = new("--json") { Description = "answers, tokens and reasons as JSON" };
    private readonly MachineOptions _machine = new();

    public Command Command(Application application)
    {
        var command = new Command("generate", "Let a model answer, or go on with a text.")
        {
            _model, _prompts, _adapter, _input, _raw, _system, _maxNewTokens, _temperature, _topK, _topP, _minP, _repetitionPenalty, _stop, _seed, _json,
        };
        _machine.AddTo(command);
        return application.WithAction(command, Run);
    }

    private void Run(ParseResult parsed, Terminal terminal, CancellationToken stop)
    {
        IReadOnlyList<Prompt> prompts = Prompts(parsed);
        (string model, string? adapter) = LoadedModel.Find(parsed.GetValue(_model)!, parsed.GetValue(_adapter));
        GenerationSettings settings = Settings(parsed);
        settings.Check();
        using Device device = _machine.Open(parsed);
        using LoadedModel loaded = LoadedModel.Open(model, adapter, device, terminal.Warn, stop);
        settings = settings with { EndTokens = loaded.EndTokens };
                int[][] ids = [.. prompts.Select(p => p.Encode(loaded.Text, parsed.GetValue(_system)))];
        using var run = new GenerateRun(loaded, settings);
        bool stream = ids.Length == 1 && !parsed.GetValue(_json);
        IReadOnlyList<GeneratedText> answers = run.Answer(ids, stream ? (_, piece) => Show(terminal, piece) : null, stop);
        if (stream)
        {
            terminal.Out.WriteLine();
            return;
        }
        if (parsed.GetValue(_json)) terminal.WriteJson(new JsonArray([.. answers.Select((answer, i) => (JsonNode)Json(ids[i], answer))]));
        else
            foreach (GeneratedText answer in answers) terminal.Out.WriteLine(answer.Text);
    }

    private IReadOnlyList<Prompt> Prompts(ParseResult parsed)
    {
        string[] texts = parsed.GetValue(_prompts) ?? [];
        if (parsed.GetValue(_input) is { } path) return texts.Length == 0 ? Prompt.ReadFile(path) : throw new UsageException("prompts and --input exclude each other");
        if (texts.Length == 0) texts = [Console.In.ReadToEnd().TrimEnd('\n')];
        if (texts.Any(t => t.Length == 0)) throw new UsageException("an empty prompt");
        return [.. texts.Select(t => parsed.GetValue(_raw) ? new Prompt(t, null) : new Prompt(null, [new ChatMessage("user", t)]))];
    }

    private GenerationSettings Settings(ParseResult parsed) => new()
    {
        MaxNewTokens = parsed.GetValue(_maxNewTokens),
        DoSample = parsed.GetValue(_temperature) is not null || parsed.GetValue(_topK) is not null || parsed.GetValue(_topP) is not null || parsed.GetValue(_minP) is not null,
        Temperature = parsed.GetValue(_temperature) ?? 1,
        TopK = parsed.GetValue(_topK),
        TopP = parsed.GetValue(_topP),
        MinP = parsed.GetValue(_minP),
        RepetitionPenalty = parsed.GetValue(_repetitionPenalty),
        StopStrings = parsed.GetValue(_stop) ?? [],
        Seed = parsed.GetValue(_seed),
    };

    private static void Show(Terminal terminal, string piece)
    {
        terminal.Out.Write(piece);
        terminal.Out.Flush();
    }

    private static JsonObject Json(int[] prompt, GeneratedText answer) => new()
    {
        ["text"] = answer.Text,
        ["finish_reason"] = answer.Reason switch
        {
            FinishReason.EndToken => "end_token", FinishReason.StopString => "stop_string", FinishReason.Length => "length", FinishReason.Context => "context", _ => "cancelled",
        },
        ["prompt_tokens"] = prompt.Length,
        ["tokens"] = new JsonArray([.. answer.Tokens.Select(t => (JsonNode)JsonValue.Create(t))]),
    };
}
