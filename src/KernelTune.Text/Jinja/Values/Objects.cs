using KernelTune.Text.Jinja.Python;
using KernelTune.Text.Jinja.Syntax;

namespace KernelTune.Text.Jinja.Values;

/// <summary>A value that is not there: prints as nothing, is false, is empty, and fails where anything else is asked of it.</summary>
internal sealed class UndefinedValue(string message, TemplateErrorKind kind = TemplateErrorKind.Undefined)
{
    public TemplateException Error() => new(kind, message);

    public static UndefinedValue Variable(string name) => new($"{Repr.Of(name)} is undefined");

    public static UndefinedValue Member(object? owner, object? name)
    {
        string type = owner is null ? "None" : TypeNames.Of(owner) + " object";
        return name is TextValue text
            ? new UndefinedValue($"{Repr.Of(type)} has no attribute {Repr.Of(text.Text)}")
            : new UndefinedValue($"{type} has no element {Repr.Of(name)}");
    }

    public static UndefinedValue Unsafe(object? owner, string name) =>
        new($"access to attribute {Repr.Of(name)} of {Repr.Of(TypeNames.Of(owner))} object is unsafe.", TemplateErrorKind.Security);
}

/// <summary>The one value that a template may change: <c>{% set ns.x = … %}</c>.</summary>
internal sealed class NamespaceValue
{
    public Dictionary<string, object?> Attributes { get; } = new(StringComparer.Ordinal);
}

/// <summary>Something that can be called.</summary>
internal interface ICallable
{
    object? Call(Evaluation.Evaluator evaluator, CallValues arguments);
}

/// <summary>The values given to a call.</summary>
internal sealed class CallValues(IReadOnlyList<object?> positional, IReadOnlyList<KeyValuePair<string, object?>> keywords)
{
    public static CallValues None { get; } = new([], []);

    public IReadOnlyList<object?> Positional => positional;

    public IReadOnlyList<KeyValuePair<string, object?>> Keywords => keywords;
}

/// <summary>A function of the environment, or a method bound to its value.</summary>
internal sealed class FunctionValue(string name, Func<Evaluation.Evaluator, ArgumentReader, object?> body) : ICallable
{
    public string Name => name;

    public object? Call(Evaluation.Evaluator evaluator, CallValues arguments)
    {
        var reader = new ArgumentReader(name, arguments);
        return body(evaluator, reader);
    }
}

/// <summary>A macro with the scope in which it was defined.</summary>
internal sealed class MacroValue(string? name, Signature signature, IReadOnlyList<Statement> body, Evaluation.Scope scope, bool takesKeywords, bool takesRest, bool takesCaller) : ICallable
{
    public string? Name => name;

    public Signature Signature => signature;

    public IReadOnlyList<Statement> Body => body;

    public Evaluation.Scope Scope => scope;

    public bool TakesKeywords => takesKeywords;

    public bool TakesRest => takesRest;

    public bool TakesCaller => takesCaller;

    public object? Call(Evaluation.Evaluator evaluator, CallValues arguments) => evaluator.Invoke(this, arguments);
}

/// <summary>Jinja's cycler(…): its items in turn.</summary>
internal sealed class CyclerValue(IReadOnlyList<object?> items)
{
    private int _at;

    public object? Current => items[_at];

    public object? Next()
    {
        object? item = items[_at];
        _at = (_at + 1) % items.Count;
        return item;
    }

    public void Reset() => _at = 0;
}
