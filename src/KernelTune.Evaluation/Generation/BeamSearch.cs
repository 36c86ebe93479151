namespace KernelTune.Evaluation.Generation;

/// <summary>Beam search: the likeliest whole answers instead of the likeliest next token. Prompts do not influence each other.</summary>
/// <remarks>
/// Transformers' rule: scores are log-softmaxed first and processed after; max(2, 1 + end tokens)·beams continuations are looked at, of which only the first num_beams may end an
/// answer, so that enough go on. With do_sample the continuations are drawn without replacement (Gumbel's trick) instead of ranked.
/// </remarks>
internal sealed class BeamSearch(Search search)
{
    /// <summary>The answers of every prompt, best first.</summary>
    public IReadOnlyList<GeneratedRow> Run(CancellationToken cancellation)
    {
        INextLogits model = search.Model;
        int beams = search.Settings.NumBeams, vocabulary = model.VocabularySize;
        PromptBeams[] prompts = [.. Enumerable.Range(0, search.Start.Rows).Select(prompt => new PromptBeams(search, prompt))];
        var (next, order) = (new int[prompts.Length * beams], new int[prompts.Length * beams]);
        var scores = new float[next.Length * vocabulary];

        ReadOnlySpan<float> logits = model.Prefill(search.Prompts, beams);
        for (int step = 0; ; step++)
        {
            for (int prompt = 0; prompt < prompts.Length; prompt++)
            {
                // After the prompts there is one row of logits each, and one beam.
                Span<float> own = scores.AsSpan(prompt * beams * vocabulary, beams * vocabulary);
                for (int beam = 0; beam < prompts[prompt].Running; beam++)
                    LogSoftmax(logits.Slice((step == 0 ? prompt : (prompt * beams) + beam) * vocabulary, vocabulary), own.Slice(beam * vocabulary, vocabulary));
                prompts[prompt].Advance(own, step, cancellation);
            }

            search.Observer?.Invoke(step, logits, scores);
            if (Array.TrueForAll(prompts, p => p.Running == 0))
                return [.. prompts.SelectMany(p => p.Answers())];
            bool moved = false;
            for (int row = 0; row < next.Length; row++)
            {
                (order[row], next[row]) = prompts[row / beams].Continuation(row % beams);
                order[row] += row / beams * beams;
                moved |= order[row] != row;
            }
            if (moved)
                model.Reorder(order);
            logits = model.Step(next);
        }
    }

    private static void LogSoftmax(ReadOnlySpan<float> logits, Span<float> scores)
    {
        var softmax = new Softmax(logits);
        for (int i = 0; i < scores.Length; i++)
            scores[i] = (float)softmax.LogProbability(logits[i]);
    }
}
