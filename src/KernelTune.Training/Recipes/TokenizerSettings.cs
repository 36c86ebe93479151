namespace KernelTune.Training.Recipes;

/// <summary>Tokens that a run adds to the base's vocabulary before it reads any data.</summary>
public sealed record TokenizerSettings
{
    /// <summary>How a new row may begin.</summary>
    public static IReadOnlyList<string> Inits { get; } = ["mean"];

    /// <summary>What they look like in a text; one that is a token already adds nothing.</summary>
    public IReadOnlyList<string> AddTokens { get; init; } = [];

    /// <summary>Where the tables have too few rows they get so many that this divides their number; null: one for each token.</summary>
    public int? PadToMultipleOf { get; init; }

    /// <summary>One of <see cref="Inits"/>: the mean of the rows that tokens had.</summary>
    public string Init { get; init; } = "mean";
}
