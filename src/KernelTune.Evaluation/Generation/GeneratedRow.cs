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
/// <param name="Tokens">The new tokens, the end token included where one was chosen; no padding.</param>
/// <param name="Reason">Why the row ended.</param>
/// <param name="LogProbabilities">log-softmax of the processed scores at each token; empty unless asked for.</param>
public sealed record GeneratedRow(IReadOnlyList<int> Tokens, FinishReason Reason, IReadOnlyList<double> LogProbabilities);

/// <summary>One new token of one row, as it is chosen.</summary>
/// <param name="Row">The row.</param>
/// <param name="Token">The token.</param>
/// <param name="Finished">Set on the row's last token.</param>
public readonly record struct GeneratedToken(int Row, int Token, FinishReason? Finished);
