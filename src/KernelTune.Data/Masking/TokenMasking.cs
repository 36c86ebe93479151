namespace KernelTune.Data;

/// <summary>What chance decided for the tokens of one row, [T] each.</summary>
/// <param name="Chosen">Tokens that the model is asked for; those that are special are not, whatever stands here.</param>
/// <param name="Replaced">Of the chosen ones, those that the mask hides.</param>
/// <param name="Random">Of the chosen ones that the mask does not hide, those that another token takes the place of.</param>
/// <param name="RandomIds">Those other tokens.</param>
public sealed record MaskDraws(bool[] Chosen, bool[] Replaced, bool[] Random, int[] RandomIds);

/// <summary>
/// Masked language modelling (Devlin et al., 2019), with the names of Transformers' DataCollatorForLanguageModeling: a share of the tokens is asked for; most of them are hidden by the
/// mask, some are replaced by any token, the rest stay.
/// </summary>
public sealed record TokenMasking
{
    public required int MaskTokenId { get; init; }

    /// <summary>Replacements are drawn from all ids below this.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>The share of tokens that is asked for.</summary>
    public double Probability { get; init; } = 0.15;

    /// <summary>The share of those that the mask hides.</summary>
    public double MaskReplaceProb { get; init; } = 0.8;

    /// <summary>The share of those that another token takes the place of.</summary>
    public double RandomReplaceProb { get; init; } = 0.1;

    /// <summary>Whole words are asked for and hidden: one draw a word, nothing is replaced at random. Draws then need the row's offsets.</summary>
    public bool WholeWords { get; init; }

    /// <summary>Ids with their replacements, and labels: the id where the model is asked, −100 elsewhere.</summary>
    /// <param name="ids">[T].</param>
    /// <param name="special">[T]: 1 for special tokens and padding, which are never asked for.</param>
    /// <param name="draws">[T] each.</param>
    /// <exception cref="ArgumentException">The lengths differ, or the shares are no shares.</exception>
    public (int[] Ids, int[] Labels) Apply(ReadOnlySpan<int> ids, ReadOnlySpan<int> special, MaskDraws draws)
    {
        ArgumentNullException.ThrowIfNull(draws);
        Check();
        if (special.Length != ids.Length || draws.Chosen.Length < ids.Length || draws.Replaced.Length < ids.Length || draws.Random.Length < ids.Length || draws.RandomIds.Length < ids.Length)
            throw new ArgumentException($"special tokens and draws for {ids.Length} tokens wanted, {special.Length} and {draws.Chosen.Length} were found", nameof(draws));
        int[] masked = ids.ToArray(), labels = new int[ids.Length];
        bool replaces = WholeWords || MaskReplaceProb > 0, randomizes = !WholeWords && MaskReplaceProb < 1 && RandomReplaceProb > 0;
        for (int t = 0; t < ids.Length; t++)
        {
            bool chosen = draws.Chosen[t] && special[t] == 0;
            labels[t] = chosen ? ids[t] : TokenRow.Ignored;
            if (!chosen) continue;
            if (replaces && (WholeWords || draws.Replaced[t])) masked[t] = MaskTokenId;
            else if (randomizes && draws.Random[t]) masked[t] = draws.RandomIds[t];
        }

        return (masked, labels);
    }

    /// <summary>Draws for one row that the seed, the epoch and the row's number decide.</summary>
    /// <param name="special">[T]: 1 for special tokens and padding.</param>
    /// <param name="offsets">[T]: where each token stands in its text; needed for whole words only.</param>
    /// <param name="seed">The run's.</param>
    /// <param name="epoch">From 0: each epoch asks for other tokens.</param>
    /// <param name="row">The row's number in its data.</param>
    public MaskDraws Draw(ReadOnlySpan<int> special, ReadOnlySpan<(int Start, int End)> offsets, long seed, long epoch, long row)
    {
        Check();
        int length = special.Length;
        bool[] chosen = new bool[length], replaced = new bool[length], random = new bool[length];
        var randomIds = new int[length];
        double randomShare = MaskReplaceProb < 1 ? RandomReplaceProb / (1 - MaskReplaceProb) : 0;
        ulong stream = SeededOrder.Stream(unchecked((ulong)epoch), unchecked((ulong)row));
        for (int t = 0; t < length; t++)
        {
            chosen[t] = SeededOrder.Uniform(seed, stream, 4 * (ulong)t) < Probability;
            replaced[t] = SeededOrder.Uniform(seed, stream, (4 * (ulong)t) + 1) < MaskReplaceProb;
            random[t] = SeededOrder.Uniform(seed, stream, (4 * (ulong)t) + 2) < randomShare;
            randomIds[t] = SeededOrder.Below(VocabularySize, seed, stream, (4 * (ulong)t) + 3);
        }

        if (WholeWords)
        {
            Words words = Words.Of(offsets, special);
            for (int t = 0; t < length; t++) chosen[t] &= words.Starts[t];
            chosen = words.Spread(chosen);
        }

        return new MaskDraws(chosen, replaced, random, randomIds);
    }

    private void Check()
    {
        if (!(Probability is >= 0 and <= 1)) throw new ArgumentException($"a share of masked tokens of {Probability} was found, 0 to 1 wanted");
        if (!(MaskReplaceProb is >= 0 and <= 1 && RandomReplaceProb is >= 0 and <= 1 && MaskReplaceProb + RandomReplaceProb <= 1 + 1e-9))
            throw new ArgumentException($"shares of {MaskReplaceProb} hidden and {RandomReplaceProb} replaced tokens were found, two of 0 to 1 and no more than 1 together wanted");
    }
}
