namespace KernelTune.Evaluation.Generation;

/// <summary>Changes the scores of the next token of one sequence in place: a filter, a penalty or a bias.</summary>
/// <remarks>
/// A processor may keep scratch memory: it serves one generation at a time. The rules are those that Transformers documents for the class
/// that <see cref="Name"/> gives; sums and exponentials are taken in double, scores are stored in float.
/// </remarks>
public interface ILogitsProcessor
{
    /// <summary>The class of Transformers whose rule this is, such as "TopPLogitsWarper".</summary>
    string Name { get; }

    /// <summary>Rewrites <paramref name="scores"/>: [vocabulary], logits of the next token; −∞ forbids a token.</summary>
    void Process(in LogitsContext context, Span<float> scores);
}

/// <summary>What is known about a sequence when its next token is scored.</summary>
/// <param name="ids">Prompt and generated tokens, left padding included.</param>
/// <param name="padding">How many of the first ids are padding.</param>
/// <param name="prompt">The number of the prompt that the sequence continues.</param>
public readonly ref struct LogitsContext(ReadOnlySpan<int> ids, int padding, int prompt)
{
    /// <summary>Prompt and generated tokens, with the left padding: lengths in settings count it, as Transformers does.</summary>
    public ReadOnlySpan<int> Ids { get; } = ids;

    /// <summary>The number of leading ids that are padding.</summary>
    public int Padding { get; } = padding;

    /// <summary>The number of the prompt that the sequence continues.</summary>
    public int Prompt { get; } = prompt;
}
