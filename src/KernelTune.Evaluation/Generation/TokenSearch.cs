namespace KernelTune.Evaluation.Generation;

/// <summary>Greedy search, and sampling: every row takes one token a step and ends by itself.</summary>
internal sealed class TokenSearch(Search search)
{
    private readonly GenerationSettings settings = search.Settings;
    private readonly TopScores top = new(search.Settings.TopLogProbabilities);

    /// <summary>Continues every prompt in num_return_sequences rows, a prompt's side by side.</summary>
    public IReadOnlyList<GeneratedRow> Run(Action<GeneratedToken>? onToken, CancellationToken cancellation)
    {
        INextLogits model = search.Model;
        int copies = settings.NumReturnSequences, vocabulary = model.VocabularySize;
        var sampler = new Sampler(settings.Seed, settings.DoSample);
        var rows = new Row[search.Start.Rows * copies];
        for (int row = 0; row < rows.Length; row++)
            rows[row] = new Row(row / copies, search.Begin(row / copies), search.Start.Length);
        var next = new int[rows.Length];
        float[] scores = new float[rows.Length * vocabulary];

        ReadOnlySpan<float> logits = model.Prefill(search.Prompts, copies);
        for (int step = 0; ; step++)
        {
            // After the prompts each one's copies share its logits.
            for (int row = 0; row < rows.Length; row++)
                logits.Slice((step == 0 ? row / copies : row) * vocabulary, vocabulary).CopyTo(scores.AsSpan(row * vocabulary));
            int running = 0;
            for (int row = 0; row < rows.Length; row++)
            {
                Row state = rows[row];
                Span<float> own = scores.AsSpan(row * vocabulary, vocabulary);
                var context = new LogitsContext(state.Ids, search.Start.Padding[state.Prompt], state.Prompt);
                next[row] = search.Pad;
                if (state.Reason is not null)
                {
                    // The row's place in the batch goes on, filled up; only an observer asks for its scores.
                    if (search.Observer is not null)
                        search.Chain.Process(context, own);
                    state.Append(search.Pad);
                    continue;
                }

                search.Chain.Process(context, own);
                int token = sampler.Choose(own, (search.FirstPrompt * copies) + row, step);
                Record(state, own, token);
                state.Append(token);
                state.Tokens.Add(token);
                state.Reason = search.Ended(state.Ids, state.Prompt, cancellation);
                next[row] = token;
                running += state.Reason is null ? 1 : 0;
                onToken?.Invoke(new GeneratedToken(row, token, state.Reason));
            }

            search.Observer?.Invoke(step, logits, scores);
            if (running == 0)
                return [.. rows.Select(r => new GeneratedRow(r.Prompt, r.Tokens, r.Reason!.Value, r.LogProbabilities) { Alternatives = r.Alternatives })];
            logits = model.Step(next);
        }
    }

    private void Record(Row state, ReadOnlySpan<float> scores, int token)
    {
        if (!settings.WantLogProbabilities && settings.TopLogProbabilities == 0)
            return;
        var softmax = new Softmax(scores);
        if (settings.WantLogProbabilities)
            state.LogProbabilities.Add(softmax.LogProbability(scores[token]));
        if (settings.TopLogProbabilities > 0)
            state.Alternatives.Add(search.Alternatives(top, scores, softmax.LogOfSum));
    }

    private sealed class Row(int prompt, int[] ids, int length)
    {
        private int[] ids = ids;
        private int length = length;

        public int Prompt => prompt;

        public ReadOnlySpan<int> Ids => ids.AsSpan(0, length);

        public List<int> Tokens { get; } = [];

        public List<double> LogProbabilities { get; } = [];

        public List<TokenChance[]> Alternatives { get; } = [];

        public FinishReason? Reason { get; set; }

        public void Append(int token)
        {
            if (length == ids.Length)
                Array.Resize(ref ids, 2 * length);
            ids[length++] = token;
        }
    }
}
