using System.Text.Json;
using KernelTune.Evaluation.Generation;
using KernelTune.Text;
using KernelTune.Training.Generation;

namespace KernelTune.Training.Runs;

/// <summary>What a row was continued with.</summary>
/// <param name="Text">The new tokens as text, special ones left out.</param>
/// <param name="Tokens">The new tokens.</param>
/// <param name="Reason">Why it ended.</param>
public sealed record GeneratedText(string Text, IReadOnlyList<int> Tokens, FinishReason Reason);

/// <summary>A loaded model that continues prompts over a cache of keys and values, giving text as it comes.</summary>
/// <param name="loaded">The model; it stays the caller's.</param>
/// <param name="settings">How tokens are chosen; without end tokens the model's own end a row.</param>
public sealed class GenerateRun(LoadedModel loaded, GenerationSettings settings) : IDisposable
{
    private const int MostExpected = 256;

    private readonly CachedDecoder decoder = new(loaded.Model, loaded.Device, Math.Min(settings.MaxNewTokens ?? MostExpected, MostExpected));

    /// <summary>The settings of the model's generation_config.json over the defaults, with the model's end tokens.</summary>
    /// <param name="loaded">The model.</param>
    /// <param name="unsupported">Receives settings that are not built.</param>
    public static GenerationSettings Defaults(LoadedModel loaded, ICollection<string> unsupported)
    {
        var start = new GenerationSettings();
        if (loaded.Source.GenerationConfig is { } config)
            start = GenerationSettingsJson.Read(config.Root, start, unsupported);
        return start with { EndTokens = loaded.EndTokens };
    }

    /// <summary>Continues the prompts until every row has ended.</summary>
    /// <param name="prompts">Their ids, batched with padding on the left.</param>
    /// <param name="onText">Told the row and the characters that are complete, as they come; null: nobody.</param>
    /// <param name="cancellation">Ends all rows after the current token.</param>
    /// <exception cref="GenerationException">A setting is out of range, or a prompt is empty or longer than the context.</exception>
    public IReadOnlyList<GeneratedText> Answer(IReadOnlyList<int[]> prompts, Action<int, string>? onText = null, CancellationToken cancellation = default)
    {
        var chosen = settings.EndTokens.Count > 0 ? settings : settings with { EndTokens = loaded.EndTokens };
        var generator = new Generator(decoder, chosen, chosen.StopStrings.Count > 0 ? TokenTable() : null);
        var tokenizer = loaded.Text.Tokenizer;
        StreamingDecoder[] streams = onText is null ? [] : [.. prompts.Select(_ => tokenizer.Stream())];
        var rows = generator.Generate(prompts, onText is null ? null : token => onText(token.Row, streams[token.Row].Push(token.Token)), cancellation);
        for (int i = 0; i < streams.Length; i++)
        {
            if (streams[i].Finish() is { Length: > 0 } rest)
                onText!(i, rest);
        }
        return [.. rows.Select(r => new GeneratedText(tokenizer.Decode([.. r.Tokens]), r.Tokens, r.Reason))];
    }

    public void Dispose() => decoder.Dispose();

    private byte[][] TokenTable()
    {
        using var document = JsonDocument.Parse(loaded.Text.Tokenizer.ToJson());
        return TokenBytes.FromTokenizerJson(document.RootElement);
    }
}
