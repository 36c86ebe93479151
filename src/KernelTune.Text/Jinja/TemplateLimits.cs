namespace KernelTune.Text.Jinja;

/// <summary>What one rendering may use: a template comes with a downloaded model and is not trusted.</summary>
/// <param name="Steps">Nodes evaluated, loop rounds and items visited by filters.</param>
/// <param name="Output">UTF-16 units printed.</param>
/// <param name="Characters">UTF-16 units of all strings, and items of all lists, made on the way.</param>
/// <param name="Depth">Nested macro calls, recursive loops and levels of nesting in the template.</param>
public sealed record TemplateLimits(long Steps = 10_000_000, long Output = 4 << 20, long Characters = 128 << 20, int Depth = 200)
{
    /// <summary>The limits used where none are given.</summary>
    public static TemplateLimits Default { get; } = new();
}

/// <summary>Counts what a rendering uses and stops it at its limits.</summary>
internal sealed class Budget(TemplateLimits limits)
{
    private long _steps;
    private long _characters;
    private int _depth;

    public TemplateLimits Limits => limits;

    public void Step()
    {
        if (++_steps > limits.Steps)
            throw new TemplateException(TemplateErrorKind.Limit, $"stopped after {limits.Steps} steps");
    }

    public void Allocate(long characters)
    {
        _characters += characters;
        if (characters < 0 || _characters > limits.Characters)
            throw new TemplateException(TemplateErrorKind.Limit, $"stopped: strings and lists of more than {limits.Characters} characters and items in all");
    }

    public void Enter()
    {
        if (++_depth > limits.Depth)
            throw new TemplateException(TemplateErrorKind.Limit, $"stopped at {limits.Depth} nested calls");
    }

    public void Leave() => _depth--;
}
