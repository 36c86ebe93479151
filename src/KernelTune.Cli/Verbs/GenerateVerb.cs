using System.CommandLine;
using System.Text.Json.Nodes;
using KernelTune.Cli.Models;
using KernelTune.Cli.Rendering;
using KernelTune.Devices;
using KernelTune.Evaluation.Generation;
using KernelTune.Models;
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
    private readonly Option<int> _numBeams = new("--num-beams") { Description = "search for the likeliest whole answers with so many beams", DefaultValueFactory = _ => 1 };
    private readonly Option<int> _numReturnSequences = new("--num-return-sequences") { Description = "answers a prompt: the best beams, or so many draws", DefaultValueFactory = _ => 1 };
    private readonly Option<double> _lengthPenalty = new("--length-penalty") { Description = "with beams: above 0 prefers longer answers", DefaultValueFactory = _ => 1 };
    private readonly Option<string> _earlyStopping = new("--early-stopping") { Description = "with beams: true ends a search with the first num-beams answers", DefaultValueFactory = _ => "false" };
    private readonly Option<int?> _logprobs = new("--logprobs") { Description = "show each token's log-probability, and those of the N likeliest in its place", HelpName = "N", Arity = ArgumentArity.ZeroOrOne };
    private readonly Option<int> _batchSize = new("--batch-size") { Description = "prompts that run together", DefaultValueFactory = _ => 8 };
    private readonly Option<ulong> _seed = new("--seed") { Description = "of the draws", DefaultValueFactory = _ => 7 };
    private readonly Option<bool> _json = new("--json") { Description = "answers, tokens and reasons as JSON" };
    private readonly MachineOptions _machine = new();

    public Command Command(Application application)
    {
        var command = new Command("generate", "Let a model answer, or go on with a text.")
        {
            _model, _prompts, _adapter, _input, _raw, _system, _maxNewTokens, _temperature, _topK, _topP, _minP, _repetitionPenalty, _stop, _numBeams, _numReturnSequences, _lengthPenalty,
            _earlyStopping, _logprobs, _batchSize, _seed, _json,
        };
        _earlyStopping.AcceptOnlyFromAmong("false", "true", "never");
        _machine.AddTo(command);
        return application.WithAction(command, Run);
    }

    private void Run(ParseResult parsed, Terminal terminal, CancellationToken stop)
    {
        IReadOnlyList<Prompt> prompts = Prompts(parsed);
        (string model, string? adapter) = LoadedModel.Find(parsed.GetValue(_model)!, parsed.GetValue(_adapter));
        GenerationSettings settings = Settings(parsed);
        settings.Check();
        int together = parsed.GetValue(_batchSize);
        if (together < 1) throw new UsageException($"--batch-size is {together}, wanted 1 or more");
        using Device device = _machine.Open(parsed);
        using LoadedModel loaded = LoadedModel.Open(model, adapter, device, terminal.Warn, stop);
        settings = settings with { EndTokens = loaded.EndTokens };
        int[][] ids = [.. prompts.Select(p => p.Encode(loaded.Text, parsed.GetValue(_system), loaded.Model is EncoderDecoder))];
        using var run = new GenerateRun(loaded, settings, together);
        bool several = settings.NumReturnSequences > 1, chances = settings.WantLogProbabilities;
        bool stream = ids.Length == 1 && !several && !chances && !parsed.GetValue(_json);
        IReadOnlyList<GeneratedText> answers = run.Answer(ids, stream ? (_, piece) => Show(terminal, piece) : null, stop);
        if (stream) terminal.Out.WriteLine();
        else if (parsed.GetValue(_json)) terminal.WriteJson(new JsonArray([.. answers.Select(a => (JsonNode)Answers.Json(a, ids[a.Row.Prompt], run, chances))]));
        else
            foreach (string line in answers.SelectMany(a => Answers.Lines(a, run, several, chances))) terminal.Out.WriteLine(line);
    }

    private IReadOnlyList<Prompt> Prompts(ParseResult parsed)
    {
        string[] texts = parsed.GetValue(_prompts) ?? [];
        if (parsed.GetValue(_input) is { } path) return texts.Length == 0 ? Prompt.ReadFile(path) : throw new UsageException("prompts and --input exclude each other");
        if (texts.Length == 0) texts = [Prompt.ReadStandardInput()];
        if (texts.Any(t => t.Length == 0)) throw new UsageException("an empty prompt");
        return [.. texts.Select(t => parsed.GetValue(_raw) ? new Prompt(t, null) : new Prompt(t, [new ChatMessage("user", t)]))];
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
        NumBeams = parsed.GetValue(_numBeams),
        NumReturnSequences = parsed.GetValue(_numReturnSequences),
        LengthPenalty = parsed.GetValue(_lengthPenalty),
        EarlyStopping = parsed.GetValue(_earlyStopping) switch { "true" => EarlyStopping.Yes, "never" => EarlyStopping.Never, _ => EarlyStopping.No },
        WantLogProbabilities = parsed.GetResult(_logprobs) is not null,
        TopLogProbabilities = parsed.GetValue(_logprobs) ?? 0,
        Seed = parsed.GetValue(_seed),
    };

    private static void Show(Terminal terminal, string piece)
    {
        terminal.Out.Write(piece);
        terminal.Out.Flush();
    }
}
