using KernelTune.Text.Jinja.Syntax;

namespace KernelTune.Text.Jinja.Evaluation;

/// <summary>Looks for generation blocks in a template.</summary>
internal static class GenerationBlocks
{
    public static bool AnyIn(IReadOnlyList<Statement> body) => body.Any(s => s switch
    {
        Generation => true,
        If choice => AnyIn(choice.Then) || AnyIn(choice.Else) || choice.ElseIf.Any(e => AnyIn(e.Body)),
        For loop => AnyIn(loop.Body) || AnyIn(loop.Else),
        AssignBlock assign => AnyIn(assign.Body),
        Macro macro => AnyIn(macro.Body),
        CallBlock call => AnyIn(call.Body),
        FilterBlock filter => AnyIn(filter.Body),
        With with => AnyIn(with.Body),
        Block block => AnyIn(block.Body),
        AutoEscape escape => AnyIn(escape.Body),
        _ => false,
    });
}
