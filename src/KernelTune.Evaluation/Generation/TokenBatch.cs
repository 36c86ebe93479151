namespace KernelTune.Evaluation.Generation;

/// <summary>Prompts side by side, padded on the left to the longest one.</summary>
public sealed class TokenBatch
{
    private readonly int[] ids;
    private readonly int[] padding;

    /// <param name="prompts">The prompts; each has at least one token.</param>
    /// <param name="padToken">What fills the left of the shorter ones.</param>
    /// <exception cref="GenerationException">There is no prompt, or an empty one.</exception>
    public TokenBatch(IReadOnlyList<int[]> prompts, int padToken)
    {
        if (prompts.Count == 0)
            throw new GenerationException("there is no prompt to continue");
        Rows = prompts.Count;
        Length = prompts.Max(p => p.Length);
        ids = new int[Rows * Length];
        padding = new int[Rows];
        for (int row = 0; row < Rows; row++)
        {
            if (prompts[row].Length == 0)
                throw new GenerationException($"prompt {row} has no tokens: generation needs at least one (a begin token will do)");
            padding[row] = Length - prompts[row].Length;
            Span<int> target = ids.AsSpan(row * Length, Length);
            target[..padding[row]].Fill(padToken);
            prompts[row].CopyTo(target[padding[row]..]);
        }
    }

    /// <summary>The number of prompts.</summary>
    public int Rows { get; }

    /// <summary>The length of every row, padding included.</summary>
    public int Length { get; }

    /// <summary>All ids, [rows, length].</summary>
    public ReadOnlySpan<int> Ids => ids;

    /// <summary>How many ids of each row are padding, [rows].</summary>
    public ReadOnlySpan<int> Padding => padding;

    /// <summary>One row's ids, padding included.</summary>
    public ReadOnlySpan<int> Row(int row) => ids.AsSpan(row * Length, Length);

    /// <summary>One row's ids without the padding.</summary>
    public ReadOnlySpan<int> Prompt(int row) => Row(row)[padding[row]..];

    /// <summary>One row's ids with the padding behind them: as an encoder reads them.</summary>
    public int[] PaddedBehind(int row) => [.. Prompt(row), .. Row(row)[..padding[row]]];
}
