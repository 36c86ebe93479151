using System.Text.Json;
using KernelTune.Evaluation.Generation;
using KernelTune.Text;
using KernelTune.Training.Generation;

namespace KernelTune.Training.Runs;

/// <summary>What a prompt was continued with.</summary>
/// <param name="Text">The new tokens as text, special ones left out.</param>
/// <param name="Row">The new tokens, why they ended, and what was recorded of them.</param>
public sealed record GeneratedText(string Text, GeneratedRow Row)
{
    public IReadOnlyList<int> Tokens => Row.Tokens;

    public FinishReason Reason => Row.Reason;
}

/// <summary>A loaded model that continues prompts over a cache of keys and values, giving text as it comes.</summary>
/// <param name="loaded">The model; it stays the caller's.</param>
/// <param name="settings">How tokens are chosen; without end tokens the model's own end a row.</param>
/// <param name="batchSize">The most prompts that run together.</param>
public sealed class GenerateRun(LoadedModel loaded, GenerationSettings settings, int batchSize = 8) : IDisposable
{
    private const int MostExpected = 256;

    private readonly CachedDecoder decoder = new(loaded.Model, loaded.Device, Math.Min(settings.MaxNewTokens ?? MostExpected, MostExpected));

    private byte[][]? table;

    /// <summary>What a token adds to a text in its middle, in bytes: not every token is a whole character. Nothing for an id without a token.</summary>
    public ReadOnlySpan<byte> BytesOf(int token) => (uint)token < (uint)Table.Length ? Table[token] : [];

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
    /// <param name="prompts">Their ids; those that run together are padded on the left.</param>
    /// <param name="onText">Told the row and the characters that are complete, as they come, or with beams at the end; null: nobody.</param>
    /// <param name="cancellation">Ends all rows after the current token.</param>
    /// <returns>num_return_sequences rows a prompt, a prompt's side by side.</returns>
    /// <exception cref="GenerationException">A setting is out of range, or a prompt is empty or longer than the context.</exception>
    public IReadOnlyList<GeneratedText> Answer(IReadOnlyList<int[]> prompts, Action<int, string>? onText = null, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(batchSize, 1);
        var chosen = settings.EndTokens.Count > 0 ? settings : settings with { EndTokens = loaded.EndTokens };
        var stops = chosen.StopStrings.Count > 0 ? Table : null;
        var answers = new List<GeneratedText>();
        for (int first = 0; first < prompts.Count && !(first > 0 && cancellation.IsCancellationRequested); first += batchSize)
        {
            var generator = new Generator(decoder, chosen, stops) { FirstPrompt = first };
            int[][] together = [.. prompts.Skip(first).Take(batchSize)];
            answers.AddRange(Together(generator, together, first, answers.Count, onText, cancellation));
        }
        return answers;
    }

    public void Dispose() => decoder.Dispose();

    private IEnumerable<GeneratedText> Together(Generator generator, int[][] prompts, int firstPrompt, int firstRow, Action<int, string>? onText, CancellationToken cancellation)
    {
        var tokenizer = loaded.Text.Tokenizer;
        bool streams = onText is not null && settings.NumBeams == 1;
        StreamingDecoder[] decoders = streams ? [.. Enumerable.Range(0, prompts.Length * settings.NumReturnSequences).Select(_ => tokenizer.Stream())] : [];
        var rows = generator.Generate(prompts, streams ? token => onText!(firstRow + token.Row, decoders[token.Row].Push(token.Token)) : null, cancellation);
        for (int i = 0; i < rows.Count; i++)
        {
            string text = tokenizer.Decode([.. rows[i].Tokens]);
            string rest = streams ? decoders[i].Finish() : text;
            if (rest.Length > 0)
                onText?.Invoke(firstRow + i, rest);
            yield return new GeneratedText(text, rows[i] with { Prompt = firstPrompt + rows[i].Prompt });
        }
    }

    private byte[][] Table => table ??= ReadTable();

    private byte[][] ReadTable()
    {
        using var document = JsonDocument.Parse(loaded.Text.Tokenizer.ToJson());
        return TokenBytes.FromTokenizerJson(document.RootElement);
    }
}
