namespace KernelTune.Text.Jinja.Syntax;

/// <summary>An expression; Line is where it stands in the template, from 1.</summary>
internal abstract record Expression(int Line);

internal sealed record Literal(object? Value, int Line) : Expression(Line);

internal sealed record Name(string Id, int Line) : Expression(Line);

internal sealed record NamespaceReference(string Id, string Attribute, int Line) : Expression(Line);

internal sealed record ListDisplay(IReadOnlyList<Expression> Items, int Line) : Expression(Line);

internal sealed record TupleDisplay(IReadOnlyList<Expression> Items, int Line) : Expression(Line);

internal sealed record DictDisplay(IReadOnlyList<(Expression Key, Expression Value)> Items, int Line) : Expression(Line);

internal sealed record GetAttribute(Expression Target, string Attribute, int Line) : Expression(Line);

internal sealed record GetItem(Expression Target, Expression Index, int Line) : Expression(Line);

internal sealed record Slice(Expression? Start, Expression? Stop, Expression? Step, int Line) : Expression(Line);

internal sealed record CallArguments(IReadOnlyList<Expression> Positional, IReadOnlyList<(string Name, Expression Value)> Keywords, Expression? Rest, Expression? KeywordRest)
{
    public static CallArguments None { get; } = new([], [], null, null);
}

internal sealed record Call(Expression Target, CallArguments Arguments, int Line) : Expression(Line);

/// <summary>Target is null in a filter block and in a block assignment: the body's text takes its place.</summary>
internal sealed record Filter(Expression? Target, string Id, CallArguments Arguments, int Line) : Expression(Line);

internal sealed record Test(Expression Target, string Id, CallArguments Arguments, int Line) : Expression(Line);

internal sealed record Conditional(Expression Condition, Expression Then, Expression? Else, int Line) : Expression(Line);

internal sealed record Or(Expression Left, Expression Right, int Line) : Expression(Line);

internal sealed record And(Expression Left, Expression Right, int Line) : Expression(Line);

internal sealed record Not(Expression Operand, int Line) : Expression(Line);

internal sealed record Unary(char Operator, Expression Operand, int Line) : Expression(Line);

internal sealed record Binary(string Operator, Expression Left, Expression Right, int Line) : Expression(Line);

internal sealed record Concatenation(IReadOnlyList<Expression> Items, int Line) : Expression(Line);

internal sealed record Comparison(Expression First, IReadOnlyList<(string Operator, Expression Operand)> Rest, int Line) : Expression(Line);

/// <summary>A statement; Line is where it begins, from 1.</summary>
internal abstract record Statement(int Line);

internal sealed record Output(IReadOnlyList<OutputPart> Parts, int Line) : Statement(Line);

/// <summary>Text of the template, or an expression to print.</summary>
internal readonly record struct OutputPart(string? Data, Expression? Value);

internal sealed record If(Expression Condition, IReadOnlyList<Statement> Then, IReadOnlyList<(Expression Condition, IReadOnlyList<Statement> Body)> ElseIf, IReadOnlyList<Statement> Else, int Line) : Statement(Line);

internal sealed record For(Expression Target, Expression Items, Expression? Condition, bool Recursive, IReadOnlyList<Statement> Body, IReadOnlyList<Statement> Else, int Line) : Statement(Line);

internal sealed record Break(int Line) : Statement(Line);

internal sealed record Continue(int Line) : Statement(Line);

internal sealed record Assign(Expression Target, Expression Value, int Line) : Statement(Line);

internal sealed record AssignBlock(Expression Target, Filter? Filter, IReadOnlyList<Statement> Body, int Line) : Statement(Line);

internal sealed record Signature(IReadOnlyList<string> Names, IReadOnlyList<Expression> Defaults)
{
    public static Signature None { get; } = new([], []);
}

internal sealed record Macro(string Id, Signature Signature, IReadOnlyList<Statement> Body, int Line) : Statement(Line);

internal sealed record CallBlock(Signature Signature, Call Call, IReadOnlyList<Statement> Body, int Line) : Statement(Line);

internal sealed record FilterBlock(Filter Filter, IReadOnlyList<Statement> Body, int Line) : Statement(Line);

internal sealed record With(IReadOnlyList<(Expression Target, Expression Value)> Bindings, IReadOnlyList<Statement> Body, int Line) : Statement(Line);

internal sealed record Block(string Id, IReadOnlyList<Statement> Body, bool Scoped, int Line) : Statement(Line);

internal sealed record AutoEscape(Expression Value, IReadOnlyList<Statement> Body, int Line) : Statement(Line);

/// <summary>Transformers' <c>{% generation %}</c>: what the assistant writes.</summary>
internal sealed record Generation(IReadOnlyList<Statement> Body, int Line) : Statement(Line);

/// <summary>include, import, from or extends: parsed, and refused when it is reached, for there is nothing to load from.</summary>
internal sealed record Load(string Tag, int Line) : Statement(Line);
