namespace KernelTune.Evaluation.Generation;

/// <summary>What generation asks of a model: the logits of the next token of every row of a batch, one step at a time.</summary>
/// <remarks>
/// The implementer keeps the keys and values of what it has seen. Padding in front of a prompt is never attended to, and a row's first real
/// token has position 0. Every token given to <see cref="Step"/> is attended to from then on, fillers of ended rows included.
/// </remarks>
public interface INextLogits
{
    /// <summary>The number of logits a row.</summary>
    int VocabularySize { get; }

    /// <summary>The longest sequence that the model can continue, padding not counted.</summary>
    int ContextLength { get; }

    /// <summary>The token that every sequence begins with, where the prompts are read by an encoder; null: the sequences begin with the prompts themselves.</summary>
    int? StartToken { get; }

    /// <summary>
    /// Forgets what it has seen, runs the prompts once, and gives the logits after each one's last token, or after the start token: [prompts, vocabulary], valid until the next call. From then on every
    /// prompt stands in <paramref name="copies"/> rows side by side.
    /// </summary>
    ReadOnlySpan<float> Prefill(TokenBatch prompts, int copies = 1);

    /// <summary>Appends one token to every row and gives the logits after it: [rows, vocabulary], valid until the next call.</summary>
    /// <param name="tokens">[rows].</param>
    ReadOnlySpan<float> Step(ReadOnlySpan<int> tokens);

    /// <summary>Row i goes on from what row <paramref name="rows"/>[i] has seen: a copy of the same prompt.</summary>
    /// <param name="rows">[rows].</param>
    void Reorder(ReadOnlySpan<int> rows);
}
