namespace KernelTune.Evaluation.Generation;

/// <summary>Continues prompts token by token, several at once: greedy search, sampling or beam search.</summary>
/// <param name="model">The model.</param>
/// <param name="settings">The settings.</param>
/// <param name="tokenBytes">What each id adds to the text; needed for stop strings only (<see cref="TokenBytes"/>).</param>
public sealed class Generator(INextLogits model, GenerationSettings settings, IReadOnlyList<byte[]>? tokenBytes = null)
{
    /// <summary>Sees the scores of a step: the logits as the model gave them, [prompts, vocabulary] after the prompts and [rows, vocabulary] then, and the processed scores [rows, vocabulary].</summary>
    public delegate void ScoresObserver(int step, ReadOnlySpan<float> logits, ReadOnlySpan<float> processed);

    /// <summary>Called after each step, before the next one; null: not called.</summary>
    public ScoresObserver? Observer { get; init; }

    /// <summary>The number of the first prompt among all that are asked in several calls: draws follow it, so that they do not depend on how prompts are put together.</summary>
    public int FirstPrompt { get; init; }

    /// <summary>Continues the prompts until every row has ended.</summary>
    /// <param name="prompts">The prompts' ids.</param>
    /// <param name="onToken">Called with every token as it is chosen, rows in order; in beam search never: what is chosen shows at the end. Null: not called.</param>
    /// <param name="cancellation">Ends all rows after the current step.</param>
    /// <returns>num_return_sequences rows a prompt, a prompt's side by side; of beams the best first.</returns>
    /// <exception cref="GenerationException">A setting is out of range, a prompt is empty or longer than the context, or no token is left to choose.</exception>
    public IReadOnlyList<GeneratedRow> Generate(
        IReadOnlyList<int[]> prompts, Action<GeneratedToken>? onToken = null, CancellationToken cancellation = default)
    {
        settings.Check();
        int pad = settings.PadToken ?? (settings.EndTokens.Count > 0 ? settings.EndTokens[0] : 0);
        var batch = new TokenBatch(prompts, pad);
        CheckPrompts(batch);
        TokenBatch start = model.StartToken is { } first ? new TokenBatch([.. prompts.Select(_ => (int[])[first])], pad) : batch;
        int maxLength = MaxLength(start);
        // As the library has them: the penalties of what an encoder has read, or of the prompts, know nothing of padding.
        int[][] sources = [.. Enumerable.Range(0, batch.Rows).Select(row => model.StartToken is null ? batch.Row(row).ToArray() : batch.PaddedBehind(row))];
        var search = new Search(model, settings, batch, start, new ProcessorChain(settings, start.Length, maxLength, sources), Stops(), maxLength, pad, FirstPrompt, Observer);
        return settings.NumBeams > 1 ? new BeamSearch(search).Run(cancellation) : new TokenSearch(search).Run(onToken, cancellation);
    }

    private int MaxLength(TokenBatch start)
    {
        if (settings.MaxNewTokens is { } count)
            return checked(start.Length + count);
        if (settings.MaxLength is not { } length)
            return checked(start.Length + model.ContextLength);
        return length > start.Length
            ? length
            : throw new GenerationException($"max_length is {length}, but the longest prompt has {start.Length} tokens already: give max_new_tokens instead");
    }

    private void CheckPrompts(TokenBatch batch)
    {
        for (int row = 0; row < batch.Rows; row++)
        {
            int length = batch.Prompt(row).Length;
            if (model.StartToken is null && length >= model.ContextLength)
                throw new GenerationException($"prompt {row} has {length} tokens, which leaves no room in the model's context of {model.ContextLength}");
            foreach (int id in batch.Prompt(row))
                if ((uint)id >= (uint)model.VocabularySize)
                    throw new GenerationException($"prompt {row} holds the token {id}, but the model's vocabulary has {model.VocabularySize} tokens");
        }
    }

    private StopStringMatcher? Stops()
    {
        if (settings.StopStrings.Count == 0)
            return null;
        return tokenBytes is null
            ? throw new GenerationException("stop strings were given, but not what each token stands for")
            : new StopStringMatcher(tokenBytes, settings.StopStrings);
    }
}
