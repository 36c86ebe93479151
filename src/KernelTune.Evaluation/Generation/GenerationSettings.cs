namespace KernelTune.Evaluation.Generation;

/// <summary>When a beam search of a prompt stops.</summary>
public enum EarlyStopping
{
    /// <summary>When num_beams answers have ended and the best running beam, at its present length, is no better than the worst of them.</summary>
    No,

    /// <summary>When num_beams answers have ended.</summary>
    Yes,

    /// <summary>As <see cref="No"/>, but a beam is judged by the greatest length that it may reach, where length_penalty rewards length.</summary>
    Never,
}

/// <summary>How text is generated. Names and defaults are those of Transformers' generation_config.json; null means: not used.</summary>
/// <remarks>Sampling without <see cref="TopK"/> considers the whole vocabulary (Transformers' <c>generate</c> would fill in 50).</remarks>
public sealed record GenerationSettings
{
    /// <summary>Draw the next token; false takes the likeliest one.</summary>
    public bool DoSample { get; init; }

    /// <summary>How many tokens may be generated. Wins over <see cref="MaxLength"/>.</summary>
    public int? MaxNewTokens { get; init; }

    /// <summary>The longest sequence, prompt and left padding included.</summary>
    public int? MaxLength { get; init; }

    /// <summary>End tokens are forbidden below this length, prompt and left padding included.</summary>
    public int MinLength { get; init; }

    /// <summary>End tokens are forbidden until this many tokens have been generated.</summary>
    public int MinNewTokens { get; init; }

    /// <summary>Tokens that end a sequence.</summary>
    public IReadOnlyList<int> EndTokens { get; init; } = [];

    /// <summary>What fills a row that has ended; null: the first end token.</summary>
    public int? PadToken { get; init; }

    /// <summary>Texts that end a sequence.</summary>
    public IReadOnlyList<string> StopStrings { get; init; } = [];

    /// <summary>Divides the scores before sampling; above 0.</summary>
    public double Temperature { get; init; } = 1;

    public int? TopK { get; init; }

    public double? TopP { get; init; }

    public double? MinP { get; init; }

    public double? TopH { get; init; }

    public double? TypicalP { get; init; }

    public double? EpsilonCutoff { get; init; }

    public double? EtaCutoff { get; init; }

    public double RepetitionPenalty { get; init; } = 1;

    public double EncoderRepetitionPenalty { get; init; } = 1;

    public int NoRepeatNGramSize { get; init; }

    public int EncoderNoRepeatNGramSize { get; init; }

    public IReadOnlyList<int[]> BadWords { get; init; } = [];

    public IReadOnlyList<(int[] Ids, double Bias)> SequenceBias { get; init; } = [];

    public int? ForcedFirstToken { get; init; }

    public IReadOnlyList<int> ForcedLastTokens { get; init; } = [];

    public (int Start, double Factor)? ExponentialDecayLengthPenalty { get; init; }

    public IReadOnlyList<int> SuppressTokens { get; init; } = [];

    public IReadOnlyList<int> BeginSuppressTokens { get; init; } = [];

    public bool RemoveInvalidValues { get; init; }

    public bool RenormalizeLogits { get; init; }

    /// <summary>How many beams a prompt has; above 1 is beam search.</summary>
    public int NumBeams { get; init; } = 1;

    /// <summary>The power of the number of new tokens that divides a beam's sum of log-probabilities: above 0 prefers longer answers.</summary>
    public double LengthPenalty { get; init; } = 1;

    /// <summary>When a beam search gives up looking for something better.</summary>
    public EarlyStopping EarlyStopping { get; init; }

    /// <summary>How many answers a prompt gets: the best beams, or so many draws.</summary>
    public int NumReturnSequences { get; init; } = 1;

    /// <summary>Seeds the draws: the same seed, settings and logits give the same tokens, whatever the batch around a row.</summary>
    public ulong Seed { get; init; }

    /// <summary>Whether the log-probability of every generated token is recorded.</summary>
    public bool WantLogProbabilities { get; init; }

    /// <summary>How many of the likeliest tokens are recorded in each token's place.</summary>
    public int TopLogProbabilities { get; init; }

    /// <summary>Checks every setting's range.</summary>
    /// <exception cref="GenerationException">A setting is out of its range; the message names it, its value and what is allowed.</exception>
    public void Check()
    {
        Demand(double.IsFinite(Temperature) && Temperature > 0, "temperature", Temperature, "a number above 0 (do_sample false takes the likeliest token)");
        Demand(TopK is null or >= 0, "top_k", TopK, "0 (off) or more");
        Demand(TopP is null or (>= 0 and <= 1), "top_p", TopP, "a number from 0 to 1");
        Demand(MinP is null or (>= 0 and <= 1), "min_p", MinP, "a number from 0 to 1");
        Demand(TopH is null or (> 0 and <= 1), "top_h", TopH, "a number above 0 and at most 1");
        Demand(TypicalP is null or (> 0 and <= 1), "typical_p", TypicalP, "a number above 0 and at most 1");
        Demand(EpsilonCutoff is null or (>= 0 and < 1), "epsilon_cutoff", EpsilonCutoff, "a number from 0 to 1");
        Demand(EtaCutoff is null or (>= 0 and < 1), "eta_cutoff", EtaCutoff, "a number from 0 to 1");
        Demand(double.IsFinite(RepetitionPenalty) && RepetitionPenalty > 0, "repetition_penalty", RepetitionPenalty, "a number above 0");
        Demand(
            double.IsFinite(EncoderRepetitionPenalty) && EncoderRepetitionPenalty > 0, "encoder_repetition_penalty", EncoderRepetitionPenalty, "a number above 0");
        Demand(NoRepeatNGramSize >= 0, "no_repeat_ngram_size", NoRepeatNGramSize, "0 (off) or more");
        Demand(EncoderNoRepeatNGramSize >= 0, "encoder_no_repeat_ngram_size", EncoderNoRepeatNGramSize, "0 (off) or more");
        Demand(MaxNewTokens is null or > 0, "max_new_tokens", MaxNewTokens, "1 or more");
        Demand(MaxLength is null or > 0, "max_length", MaxLength, "1 or more");
        Demand(MinLength >= 0, "min_length", MinLength, "0 or more");
        Demand(MinNewTokens >= 0, "min_new_tokens", MinNewTokens, "0 or more");
        Demand(NumBeams >= 1, "num_beams", NumBeams, "1 or more");
        Demand(double.IsFinite(LengthPenalty), "length_penalty", LengthPenalty, "a finite number");
        Demand(NumReturnSequences >= 1, "num_return_sequences", NumReturnSequences, "1 or more");
        Demand(NumBeams == 1 || NumReturnSequences <= NumBeams, "num_return_sequences", NumReturnSequences, $"at most num_beams, {NumBeams}");
        Demand(NumBeams > 1 || DoSample || NumReturnSequences == 1, "num_return_sequences", NumReturnSequences, "1: the likeliest token leads to one answer only; num_beams or sampling give several");
        Demand(TopLogProbabilities >= 0, "top log-probabilities", TopLogProbabilities, "0 or more");
        Demand(BadWords.All(w => w.Length > 0), "bad_words_ids", "[]", "sequences of at least one token");
        Demand(SequenceBias.All(s => s.Ids.Length > 0), "sequence_bias", "[]", "sequences of at least one token");
        Demand(StopStrings.All(s => s.Length > 0), "stop_strings", "\"\"", "texts that are not empty");
    }

    private static void Demand(bool holds, string name, object? value, string wanted)
    {
        if (!holds)
            throw new GenerationException(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{name} is {value}, wanted {wanted}"));
    }
}
