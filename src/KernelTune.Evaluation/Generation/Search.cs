namespace KernelTune.Evaluation.Generation;

/// <summary>What every way of searching shares: the settings, the sequences to continue, the processors, and when a sequence ends.</summary>
/// <param name="Model">The model.</param>
/// <param name="Settings">The settings, in their ranges.</param>
/// <param name="Prompts">What the model is given.</param>
/// <param name="Start">The sequences as they begin, which the search continues.</param>
/// <param name="Chain">The processors.</param>
/// <param name="Stops">Stop strings; null: none.</param>
/// <param name="MaxLength">The longest sequence, start and padding included.</param>
/// <param name="Pad">What fills a row that has ended.</param>
/// <param name="FirstPrompt">The number of the first prompt, as draws count them.</param>
/// <param name="Observer">Sees the scores of a step.</param>
internal sealed record Search(INextLogits Model, GenerationSettings Settings, TokenBatch Prompts, TokenBatch Start, ProcessorChain Chain, StopStringMatcher? Stops, int MaxLength, int Pad, int FirstPrompt,
    Generator.ScoresObserver? Observer)
{
    private const int FirstRoom = 256;

    /// <summary>A sequence's ids so far, with room for the next ones.</summary>
    public int[] Begin(int prompt)
    {
        var ids = new int[Math.Min(MaxLength, Start.Length + FirstRoom)];
        Start.Row(prompt).CopyTo(ids);
        return ids;
    }

    /// <summary>Why a sequence has ended with its last id; null: it goes on.</summary>
    public FinishReason? Ended(ReadOnlySpan<int> ids, int prompt, CancellationToken cancellation)
    {
        if (Settings.EndTokens.Contains(ids[^1]))
            return FinishReason.EndToken;
        if (Stops is not null && Stops.Stops(ids))
            return FinishReason.StopString;
        if (ids.Length >= MaxLength)
            return FinishReason.Length;
        if (ids.Length - Start.Padding[prompt] >= Model.ContextLength)
            return FinishReason.Context;
        return cancellation.IsCancellationRequested ? FinishReason.Cancelled : null;
    }

    /// <summary>The likeliest tokens of scores [vocabulary], as many as the settings ask for.</summary>
    public TokenChance[] Alternatives(TopScores top, ReadOnlySpan<float> scores, double logOfSum)
    {
        top.Clear();
        top.Offer(scores, -logOfSum);
        var chances = new TokenChance[top.Count];
        for (int i = 0; i < chances.Length; i++)
            chances[i] = new TokenChance(top.Place(i), top.Score(i));
        return chances;
    }
}
