using System.Text;
using System.Text.Json.Nodes;
using KernelTune.Checkpoints;
using KernelTune.Models;
using KernelTune.Text;
using KernelTune.Training.Recipes;

namespace KernelTune.Training.Runs;

/// <summary>
/// What a language model's ids mean, and how many rows its tables have for them: the base's tokenizer and config.json, or more tokens and, where the tables have no spare rows, larger ones.
/// </summary>
public sealed class ModelVocabulary
{
    private readonly int tokens;        // of the base
    private readonly Range spare;       // rows that the base stores and that new tokens take

    private ModelVocabulary(TextTools text, JsonSettings config, int tokens) => (Text, Config, this.tokens) = (text, config, tokens);

    private ModelVocabulary(TextTools text, ModelVocabulary before, int rows, Range spare)
        : this(text, before.Config, before.tokens)
    {
        this.spare = spare;
        if (rows > before.Rows)
            (Config, Resized) = (WithRows(before.Config, rows), true);
        else
            (Resized, Taken) = (before.Resized, spare.End.Value > spare.Start.Value);
    }

    public TextTools Text { get; }

    /// <summary>config.json, with the vocab_size of tables that are resized.</summary>
    public JsonSettings Config { get; }

    /// <summary>True where the tables have more rows than the base stores.</summary>
    public bool Resized { get; }

    /// <summary>The ids that <see cref="With"/> has added, in their order.</summary>
    public IReadOnlyList<int> Added { get; private init; } = [];

    private bool Taken { get; }

    private int Rows => ModelRegistry.CausalLanguageModel(Config).VocabularySize;

    /// <summary>
    /// The vocabulary of a base, or that of an adapter whose tokenizer has more tokens: the base's tables get rows for them, as PEFT's AutoPeftModel resizes a base before it loads such an adapter
    /// (PeftModel alone refuses the sizes), and as many as a config.json beside the adapter says.
    /// </summary>
    /// <param name="folder">The base's folder.</param>
    /// <param name="gguf">Its GGUF file; null: it is none.</param>
    /// <param name="config">Its config.json.</param>
    /// <param name="adapter">The adapter's folder; null: none.</param>
    /// <exception cref="TokenizerException">There is no tokenizer, or it cannot be used.</exception>
    public static ModelVocabulary Of(string folder, GgufFile? gguf, JsonSettings config, string? adapter)
    {
        var text = TextTools.Open(folder, gguf);
        var own = new ModelVocabulary(text, config, text.Tokenizer.VocabSize);
        if (adapter is null || !Tokenizer.IsIn(adapter) || SameBytes(Path.Combine(adapter, "tokenizer.json"), Path.Combine(folder, "tokenizer.json")))
            return own;
        var brought = TextTools.Open(adapter);
        if (brought.Tokenizer.VocabSize <= text.Tokenizer.VocabSize)
            return own;
        string configured = Path.Combine(adapter, "config.json");
        int rows = File.Exists(configured) ? JsonSettings.Read(configured).Int("vocab_size", 0) : 0;
        return new ModelVocabulary(brought, own, Math.Max(rows, brought.Tokenizer.VocabSize), default);
    }

    /// <summary>This vocabulary with a recipe's tokens, whose ids begin after the last; tables without rows for them are resized.</summary>
    public ModelVocabulary With(TokenizerSettings settings, Action<string> note)
    {
        var tokenizer = Text.Tokenizer;
        string Listed(IEnumerable<string> tokens) => string.Join(", ", tokens.Select(CheckpointException.Quote));
        string[] known = [.. settings.AddTokens.Where(t => tokenizer.TokenToId(t) is not null)], fresh = [.. settings.AddTokens.Except(known, StringComparer.Ordinal)];
        if (known.Length > 0)
            note($"tokenizer.add_tokens: {Listed(known)} {(known.Length == 1 ? "is a token" : "are tokens")} already and {(known.Length == 1 ? "adds" : "add")} nothing");
        if (fresh.Length == 0)
            return this;
        int first = tokenizer.VocabSize, rows = Rows;
        var extended = tokenizer.WithTokens(fresh.Select(t => new AddedToken { Id = 0, Content = t, Normalized = true }));
        int needed = extended.VocabSize, multiple = settings.PadToMultipleOf ?? 1;
        int wanted = needed <= rows ? rows : checked((int)(((long)needed + multiple - 1) / multiple * multiple));
        note(FormattableString.Invariant($"tokenizer.add_tokens: {Listed(fresh)} {(fresh.Length == 1 ? $"is {first}" : $"are {first} to {needed - 1}")}; the tables ")
            + (wanted > rows ? FormattableString.Invariant($"have {wanted} rows instead of {rows}") : FormattableString.Invariant($"have spare rows among their {rows}")));
        return new ModelVocabulary(Text.With(extended), this, wanted, first..Math.Max(first, Math.Min(needed, rows))) { Added = [.. Enumerable.Range(first, fresh.Length)] };
    }

    /// <summary>The base's weights with a row for every token.</summary>
    public IWeightSource Weights(IWeightSource source)
    {
        if (!Resized && !Taken)
            return source;
        var model = ModelRegistry.CausalLanguageModel(Config);
        var names = new[] { model.TokenTable.Weight, model.Head.Weight, model.Head.Bias }.Where(p => p is not null).SelectMany(p => model.CheckpointKeys(p!)).Concat(model.Twins.Select(t => t.Twin));
        return new ResizedTables(source, names, model.VocabularySize, tokens, spare);
    }

    private static JsonSettings WithRows(JsonSettings config, int rows)
    {
        var json = JsonNode.Parse(config.Root.GetRawText())!.AsObject();
        json["vocab_size"] = rows;
        var resized = JsonSettings.Parse(config.File, Encoding.UTF8.GetBytes(json.ToJsonString()));
        return ModelRegistry.CausalLanguageModel(resized).VocabularySize == rows ? resized : throw config.Bad("vocab_size", "it does not decide how many rows the tables have: they cannot be resized");
    }

    private static bool SameBytes(string one, string other) =>
        File.Exists(one) && File.Exists(other) && new FileInfo(one).Length == new FileInfo(other).Length && File.ReadAllBytes(one).AsSpan().SequenceEqual(File.ReadAllBytes(other));
}
