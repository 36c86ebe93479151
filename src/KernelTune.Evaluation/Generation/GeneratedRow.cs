namespace KernelTune.Evaluation.Generation;

/// <summary>Why a row ended.</summary>
public enum FinishReason
{
    /// <summary>The model chose an end token.</summary>
    EndToken,

    /// <summary>A stop string appeared.</summary>
    StopString,

    /// <summary>max_new_tokens or max_length was reached.</summary>
    Length,

    /// <summary>The model's context is full.</summary>
    Context,

    /// <summary>The caller asked to stop.</summary>
    Cancelled,
}

/// <summary>What one row generated.</summary>
/// <param name="Prompt">The number of the prompt that it continues.</param>
/// <param name="Tokens">The new tokens, the end token included where one was chosen; no padding.</param>
/// <param name="Reason">Why the row ended.</param>
/// <param name="LogProbabilities">
/// The processed log-probability of each token: log-softmax of the processed scores, in beam search the processed log-softmax that the search adds up. Empty unless asked for; always
/// there in beam search.
/// </param>
public sealed record GeneratedRow(int Prompt, IReadOnlyList<int> Tokens, FinishReason Reason, IReadOnlyList<double> LogProbabilities)
{
    /// <summary>The likeliest tokens in each token's place, best first; empty unless asked for.</summary>
    public IReadOnlyList<TokenChance[]> Alternatives { get; init; } = [];

    /// <summary>In beam search: the sum of the log-probabilities over (number of new tokens)^length_penalty. Else null.</summary>
    public double? Score { get; init; }

    /// <summary>In beam search: the row of all prompts' beams from which each token came. Else empty.</summary>
    public IReadOnlyList<int> BeamIndices { get; init; } = [];
}

/// <summary>A token and its log-probability.</summary>
public readonly record struct TokenChance(int Token, double LogProbability);

/// <summary>One new token of one row, as it is chosen.</summary>
/// <param name="Row">The row.</param>
/// <param name="Token">The token.</param>
/// <param name="Finished">Set on the row's last token.</param>
public readonly record struct GeneratedToken(int Row, int Token, FinishReason? Finished);
