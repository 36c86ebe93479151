using KernelTune.Evaluation.Generation.Processors;

namespace KernelTune.Evaluation.Generation;

/// <summary>The processors that settings ask for, in the order in which Transformers applies them. One chain serves one generation.</summary>
public sealed class ProcessorChain
{
    private readonly List<ILogitsProcessor> processors = [];

    /// <param name="settings">The settings; their ranges are checked here.</param>
    /// <param name="promptLength">The prompt's length, left padding included (for an encoder-decoder: of the decoder's start).</param>
    /// <param name="maxLength">The longest sequence, prompt included: where a forced last token stands.</param>
    /// <param name="sources">The source ids of every row: the encoder's input, or the prompts; only the encoder penalties read them.</param>
    /// <exception cref="GenerationException">A setting is out of its range.</exception>
    public ProcessorChain(GenerationSettings settings, int promptLength, int maxLength, IReadOnlyList<int[]>? sources = null)
    {
        settings.Check();
        AddProcessors(settings, promptLength, maxLength, sources ?? []);
        if (settings.DoSample)
            AddWarpers(settings);
        if (settings.RenormalizeLogits)
            processors.Add(new Renormalize());
    }

    /// <summary>The processors, first to last.</summary>
    public IReadOnlyList<ILogitsProcessor> Processors => processors;

    /// <summary>Rewrites the scores [vocabulary] of one row in place.</summary>
    public void Process(in LogitsContext context, Span<float> scores)
    {
        foreach (ILogitsProcessor processor in processors)
            processor.Process(context, scores);
    }

    private void AddProcessors(GenerationSettings s, int promptLength, int maxLength, IReadOnlyList<int[]> sources)
    {
        if (s.SequenceBias.Count > 0)
            processors.Add(new SequenceBias(s.SequenceBias));
        if (s.EncoderRepetitionPenalty != 1)
            processors.Add(new EncoderRepetitionPenalty(s.EncoderRepetitionPenalty, sources));
        if (s.RepetitionPenalty != 1)
            processors.Add(new RepetitionPenalty(s.RepetitionPenalty));
        if (s.NoRepeatNGramSize > 0)
            processors.Add(new NoRepeatNGram(s.NoRepeatNGramSize));
        if (s.EncoderNoRepeatNGramSize > 0)
            processors.Add(new EncoderNoRepeatNGram(s.EncoderNoRepeatNGramSize, sources));
        if (s.BadWords.Count > 0)
            processors.Add(new BadWords(s.BadWords, s.EndTokens));
        if (s.MinLength > 0 && s.EndTokens.Count > 0)
            processors.Add(new MinLength(s.MinLength, s.EndTokens));
        if (s.MinNewTokens > 0 && s.EndTokens.Count > 0)
            processors.Add(new MinNewTokens(promptLength, s.MinNewTokens, s.EndTokens));
        if (s.ForcedFirstToken is { } first)
            processors.Add(new ForcedFirstToken(first));
        if (s.ForcedLastTokens.Count > 0)
            processors.Add(new ForcedLastToken(maxLength, s.ForcedLastTokens));
        if (s.RemoveInvalidValues)
            processors.Add(new RemoveInvalidValues());
        if (s.ExponentialDecayLengthPenalty is { } decay)
            processors.Add(new ExponentialDecayLengthPenalty(decay.Start, decay.Factor, s.EndTokens, promptLength));
        if (s.SuppressTokens.Count > 0)
            processors.Add(new SuppressTokens(s.SuppressTokens));
        if (s.BeginSuppressTokens.Count > 0)
        {
            // After a start token alone the forced first token comes first, and suppression waits for the one after it.
            bool forced = promptLength <= 1 && s.ForcedFirstToken is not null;
            processors.Add(new SuppressTokensAtBegin(s.BeginSuppressTokens, promptLength + (forced ? 1 : 0)));
        }
    }

    private void AddWarpers(GenerationSettings s)
    {
        // Beam search must find enough candidates that do not end.
        int keep = s.NumBeams > 1 ? s.EndTokens.Count + 1 : 1;
        if (s.Temperature != 1)
            processors.Add(new Temperature(s.Temperature));
        if (s.TopH is { } h)
            processors.Add(new TopH(h));
        if (s.TopK is > 0 and { } k)
            processors.Add(new TopK(k, keep));
        if (s.TopP is < 1 and { } p)
            processors.Add(new TopP(p, keep));
        if (s.MinP is { } least)
            processors.Add(new MinP(least, keep));
        if (s.TypicalP is < 1 and { } mass)
            processors.Add(new Typical(mass, keep));
        if (s.EpsilonCutoff is > 0 and { } epsilon)
            processors.Add(new EpsilonCutoff(epsilon, keep));
        if (s.EtaCutoff is > 0 and { } eta)
            processors.Add(new EtaCutoff(eta, keep));
    }
}
