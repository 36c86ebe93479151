using KernelTune.Text.Jinja.Evaluation;
using KernelTune.Text.Jinja.Library;
using KernelTune.Text.Jinja.Syntax;
using KernelTune.Text.Jinja.Values;

namespace KernelTune.Text.Jinja;

/// <summary>What a template printed.</summary>
/// <param name="Text">The text.</param>
/// <param name="GenerationSpans">What stood in generation blocks: [Start, End) in code points.</param>
/// <param name="ContentSpans">What came out of message values (see <see cref="Chat.ChatTemplate"/>): [Start, End) in code points.</param>
public sealed record TemplateResult(string Text, IReadOnlyList<(int Start, int End)> GenerationSpans, IReadOnlyList<(int Start, int End)> ContentSpans);

/// <summary>
/// A compiled template of a Jinja subset, in the environment that Transformers renders chat templates in: trim_blocks, lstrip_blocks, loop controls,
/// immutable sandbox, no escaping. It reaches nothing but the values that it is given, and is stopped at <see cref="TemplateLimits"/>.
/// </summary>
public sealed class Template
{
    private readonly IReadOnlyList<Statement> _body;
    private readonly TemplateLimits _limits;

    private Template(IReadOnlyList<Statement> body, TemplateLimits limits)
    {
        _body = body;
        _limits = limits;
        HasGenerationBlocks = GenerationBlocks.AnyIn(body);
    }

    /// <summary>True where the template marks what the assistant writes.</summary>
    public bool HasGenerationBlocks { get; }

    /// <exception cref="TemplateException">The template is not well formed, or uses a filter or test that does not exist.</exception>
    public static Template Compile(string source, TemplateLimits? limits = null)
    {
        ArgumentNullException.ThrowIfNull(source);
        limits ??= TemplateLimits.Default;
        return new Template(Parser.Parse(source, limits.Depth), limits);
    }

    /// <summary>
    /// Renders with <paramref name="variables"/> (null, bool, integers, double, string, JsonElement, and lists and dictionaries of these);
    /// <paramref name="now"/> is what strftime_now says.
    /// </summary>
    /// <exception cref="TemplateException">The template failed, raised an error of its own, or reached a limit.</exception>
    public TemplateResult Render(IReadOnlyDictionary<string, object?> variables, DateTime now) =>
        RenderValues(variables.Select(v => new KeyValuePair<string, object?>(v.Key, TemplateData.From(v.Value))), now);

    internal TemplateResult RenderValues(IEnumerable<KeyValuePair<string, object?>> variables, DateTime now)
    {
        var evaluator = new Evaluator(_limits, now);
        var globals = new Scope(null);
        foreach ((string name, object? value) in Globals.All()) globals.Set(name, value);
        var context = new Scope(globals);
        foreach ((string name, object? value) in variables) context.Set(name, value);
        (TextBuilder text, IReadOnlyList<(int Start, int End)> generations) = evaluator.Statements.RunTemplate(_body, context);
        string rendered = text.ToString();
        return new TemplateResult(rendered, generations, InCodePoints(rendered, text.Content));
    }

    private static List<(int Start, int End)> InCodePoints(string text, IReadOnlyList<TextRange> ranges)
    {
        var spans = new List<(int, int)>(ranges.Count);
        int at = 0, count = 0;
        foreach (TextRange range in ranges)
        {
            count += Python.CodePoints.Count(text.AsSpan(at, range.Start - at));
            int length = Python.CodePoints.Count(text.AsSpan(range.Start, range.End - range.Start));
            spans.Add((count, count + length));
            count += length;
            at = range.End;
        }

        return spans;
    }
}
