namespace KernelTune.Evaluation.Generation.Processors;

/// <summary>Adds a bias to the token that would complete a sequence; sequences of one token always count.</summary>
public class SequenceBias : ILogitsProcessor
{
    private readonly List<(int[] Ids, double Bias)> sequences = [];

    /// <param name="biases">Sequences and their biases; of equal sequences the last one counts.</param>
    public SequenceBias(IEnumerable<(int[] Ids, double Bias)> biases)
    {
        foreach ((int[] ids, double bias) in biases)
        {
            int known = sequences.FindIndex(s => s.Ids.AsSpan().SequenceEqual(ids));
            if (known >= 0)
                sequences[known] = (ids, bias);
            else
                sequences.Add((ids, bias));
        }
    }

    public virtual string Name => "SequenceBiasLogitsProcessor";

    /// <exception cref="GenerationException">A sequence holds a token beyond the vocabulary.</exception>
    public void Process(in LogitsContext context, Span<float> scores)
    {
        foreach ((int[] ids, _) in sequences)
            foreach (int id in ids)
                if ((uint)id >= (uint)scores.Length)
                    throw new GenerationException($"a biased sequence holds the token {id}, but the vocabulary has {scores.Length} tokens");

        // The biases of one token are summed before they meet its score, as the library does.
        Dictionary<int, double> totals = [];
        foreach ((int[] ids, double bias) in sequences)
        {
            if (ids.Length > 1 && (ids.Length > context.Ids.Length || !context.Ids[^(ids.Length - 1)..].SequenceEqual(ids.AsSpan(0, ids.Length - 1))))
                continue;
            totals[ids[^1]] = totals.GetValueOrDefault(ids[^1]) + bias;
        }

        foreach ((int id, double bias) in totals)
            scores[id] = (float)(scores[id] + bias);
    }
}

/// <summary>Forbids sequences of tokens: a bias of −∞. A sequence that is an end token alone is not forbidden.</summary>
public sealed class BadWords(IEnumerable<int[]> words, IReadOnlyList<int> endTokens)
    : SequenceBias(words.Where(w => !(w.Length == 1 && endTokens.Contains(w[0]))).Select(w => (w, double.NegativeInfinity)))
{
    public override string Name => "NoBadWordsLogitsProcessor";
}
