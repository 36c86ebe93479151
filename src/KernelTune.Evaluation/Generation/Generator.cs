namespace KernelTune.Evaluation.Generation;

/// <summary>Continues prompts token by token: greedy or sampling, several rows at once, each ending by itself.</summary>
/// <param name="model">The model.</param>
/// <param name="settings">The settings.</param>
/// <param name="tokenBytes">What each id adds to the text; needed for stop strings only (<see cref="TokenBytes"/>).</param>
public sealed class Generator(INextLogits model, GenerationSettings settings, IReadOnlyList<byte[]>? tokenBytes = null)
{
    /// <summary>Sees the scores of a step: [rows, vocabulary], as the model gave them and as processed.</summary>
    public delegate void ScoresObserver(int step, ReadOnlySpan<float> logits, ReadOnlySpan<float> processed);

    /// <summary>Called after each step, before the next one; null: not called.</summary>
    public ScoresObserver? Observer { get; init; }

    /// <summary>Continues the prompts until every row has ended.</summary>
    /// <param name="prompts">The prompts' ids.</param>
    /// <param name="onToken">Called with every token as it is chosen, rows in order; null: not called.</param>
    /// <param name="cancellation">Ends all rows after the current step.</param>
    /// <exception cref="GenerationException">A setting is out of range or not built, a prompt is empty or longer than the context, or no token is left to choose.</exception>
    public IReadOnlyList<GeneratedRow> Generate(
        IReadOnlyList<int[]> prompts, Action<GeneratedToken>? onToken = null, CancellationToken cancellation = default)
    {
        settings.Check();
        if (settings.NumBeams > 1)
            throw new GenerationException($"num_beams is {settings.NumBeams}: beam search is not built; num_beams 1 is greedy search or sampling");
        int pad = settings.PadToken ?? (settings.EndTokens.Count > 0 ? settings.EndTokens[0] : 0);
        var batch = new TokenBatch(prompts, pad);
        CheckPrompts(batch);
        int maxLength = MaxLength(batch);
        var chain = new ProcessorChain(settings, batch.Length, maxLength, prompts);
        var sampler = new Sampler(settings.Seed, settings.DoSample);
        StopStringMatcher? stops = Stops();

        var rows = new RowState[batch.Rows];
        for (int row = 0; row < rows.Length; row++)
            rows[row] = new RowState(batch, row, maxLength);
        var next = new int[batch.Rows];
        float[] scores = new float[batch.Rows * model.VocabularySize];

        ReadOnlySpan<float> logits = model.Prefill(batch);
        for (int step = 0; ; step++)
        {
            logits.CopyTo(scores);
            int running = 0;
            for (int row = 0; row < rows.Length; row++)
            {
                RowState state = rows[row];
                next[row] = pad;
                Span<float> own = scores.AsSpan(row * model.VocabularySize, model.VocabularySize);
                if (state.Reason is not null)
                {
                    // The row's place in the batch goes on, filled up; only an observer asks for its scores.
                    if (Observer is not null)
                        chain.Process(new LogitsContext(state.Ids, batch.Padding[row], row), own);
                    state.Append(pad);
                    continue;
                }

                chain.Process(new LogitsContext(state.Ids, batch.Padding[row], row), own);
                int token = sampler.Choose(own, row, step);
                if (settings.WantLogProbabilities)
                    state.LogProbabilities.Add(new Softmax(own).LogProbability(own[token]));
                state.Append(token);
                state.Tokens.Add(token);
                state.Reason = Ended(state, token, stops, maxLength, batch.Padding[row], cancellation);
                next[row] = token;
                running += state.Reason is null ? 1 : 0;
                onToken?.Invoke(new GeneratedToken(row, token, state.Reason));
            }

            Observer?.Invoke(step, logits, scores);
            if (running == 0)
                return [.. rows.Select(r => new GeneratedRow(r.Tokens, r.Reason!.Value, r.LogProbabilities))];
            logits = model.Step(next);
        }
    }

    private FinishReason? Ended(RowState state, int token, StopStringMatcher? stops, int maxLength, int padding, CancellationToken cancellation)
    {
        if (settings.EndTokens.Contains(token))
            return FinishReason.EndToken;
        if (stops is not null && stops.Stops(state.Ids))
            return FinishReason.StopString;
        if (state.Ids.Length >= maxLength)
            return FinishReason.Length;
        if (state.Ids.Length - padding >= model.ContextLength)
            return FinishReason.Context;
        return cancellation.IsCancellationRequested ? FinishReason.Cancelled : null;
    }

    private int MaxLength(TokenBatch batch)
    {
        if (settings.MaxNewTokens is { } count)
            return checked(batch.Length + count);
        if (settings.MaxLength is not { } length)
            return checked(batch.Length + model.ContextLength);
        return length > batch.Length
            ? length
            : throw new GenerationException($"max_length is {length}, but the longest prompt has {batch.Length} tokens already: give max_new_tokens instead");
    }

    private void CheckPrompts(TokenBatch batch)
    {
        for (int row = 0; row < batch.Rows; row++)
        {
            int length = batch.Prompt(row).Length;
            if (length >= model.ContextLength)
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

    private sealed class RowState
    {
        private int[] ids;
        private int length;

        public RowState(TokenBatch batch, int row, int maxLength)
        {
            ids = new int[Math.Min(maxLength, batch.Length + 256)];
            batch.Row(row).CopyTo(ids);
            length = batch.Length;
        }

        public ReadOnlySpan<int> Ids => ids.AsSpan(0, length);

        public List<int> Tokens { get; } = [];

        public List<double> LogProbabilities { get; } = [];

        public FinishReason? Reason { get; set; }

        public void Append(int token)
        {
            if (length == ids.Length)
                Array.Resize(ref ids, 2 * length);
            ids[length++] = token;
        }
    }
}
