namespace KernelTune.Evaluation.Generation.Processors;

/// <summary>Forbids the end tokens while the sequence, prompt included, is shorter than a length.</summary>
public sealed class MinLength(int length, IReadOnlyList<int> endTokens) : ILogitsProcessor
{
    public string Name => "MinLengthLogitsProcessor";

    public void Process(in LogitsContext context, Span<float> scores)
    {
        if (context.Ids.Length < length)
            Tokens.Forbid(endTokens, scores);
    }
}

/// <summary>Forbids the end tokens until a number of tokens has been generated.</summary>
public sealed class MinNewTokens(int promptLength, int count, IReadOnlyList<int> endTokens) : ILogitsProcessor
{
    public string Name => "MinNewTokensLengthLogitsProcessor";

    public void Process(in LogitsContext context, Span<float> scores)
    {
        if (context.Ids.Length - promptLength < count)
            Tokens.Forbid(endTokens, scores);
    }
}

/// <summary>The first token after a start token alone must be this one.</summary>
public sealed class ForcedFirstToken(int token) : ILogitsProcessor
{
    public string Name => "ForcedBOSTokenLogitsProcessor";

    public void Process(in LogitsContext context, Span<float> scores)
    {
        if (context.Ids.Length == 1)
            Tokens.Force([token], scores);
    }
}

/// <summary>The last token that fits must be one of these.</summary>
public sealed class ForcedLastToken(int maxLength, IReadOnlyList<int> endTokens) : ILogitsProcessor
{
    public string Name => "ForcedEOSTokenLogitsProcessor";

    public void Process(in LogitsContext context, Span<float> scores)
    {
        if (context.Ids.Length == maxLength - 1)
            Tokens.Force(endTokens, scores);
    }
}

/// <summary>Raises the end tokens' scores by |score|·(factorᵏ − 1), k tokens past a start.</summary>
/// <param name="start">How many tokens are generated before it begins.</param>
/// <param name="factor">The decay factor.</param>
/// <param name="endTokens">The end tokens.</param>
/// <param name="promptLength">The prompt's length, padding included.</param>
public sealed class ExponentialDecayLengthPenalty(int start, double factor, IReadOnlyList<int> endTokens, int promptLength) : ILogitsProcessor
{
    public string Name => "ExponentialDecayLengthPenalty";

    public void Process(in LogitsContext context, Span<float> scores)
    {
        int past = context.Ids.Length - promptLength - start;
        if (past <= 0)
            return;
        double strength = Math.Pow(factor, past) - 1;
        foreach (int id in endTokens.Distinct())
            if ((uint)id < (uint)scores.Length)
                scores[id] = (float)(scores[id] + (Math.Abs((double)scores[id]) * strength));
    }
}

/// <summary>Never these tokens.</summary>
public sealed class SuppressTokens(IReadOnlyList<int> tokens) : ILogitsProcessor
{
    public string Name => "SuppressTokensLogitsProcessor";

    public void Process(in LogitsContext context, Span<float> scores) => Tokens.Forbid(tokens, scores);
}

/// <summary>Not these tokens as the first that is generated.</summary>
public sealed class SuppressTokensAtBegin(IReadOnlyList<int> tokens, int beginIndex) : ILogitsProcessor
{
    public string Name => "SuppressTokensAtBeginLogitsProcessor";

    public void Process(in LogitsContext context, Span<float> scores)
    {
        if (context.Ids.Length == beginIndex)
            Tokens.Forbid(tokens, scores);
    }
}

internal static class Tokens
{
    /// <summary>Tokens beyond the vocabulary are passed over: configurations name some that a model lacks.</summary>
    public static void Forbid(IReadOnlyList<int> tokens, Span<float> scores)
    {
        foreach (int id in tokens)
            if ((uint)id < (uint)scores.Length)
                scores[id] = float.NegativeInfinity;
    }

    public static void Force(IReadOnlyList<int> tokens, Span<float> scores)
    {
        scores.Fill(float.NegativeInfinity);
        foreach (int id in tokens)
        {
            if ((uint)id >= (uint)scores.Length)
                throw new GenerationException($"the forced token {id} is beyond the vocabulary of {scores.Length} tokens");
            scores[id] = 0;
        }
    }
}
