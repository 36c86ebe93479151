namespace KernelTune.Text.Jinja;

/// <summary>What kind of error a template met. The names are those of Python's and Jinja's exceptions, without their endings.</summary>
public enum TemplateErrorKind
{
    /// <summary>The template called <c>raise_exception</c>, or a filter was given arguments that it cannot take.</summary>
    Raised,
    Syntax,
    Assertion,
    Undefined,
    Type,
    Value,
    Index,
    Key,
    Overflow,
    ZeroDivision,
    Runtime,

    /// <summary>The template reached for something that a sandbox does not give.</summary>
    Security,

    /// <summary>One of <see cref="TemplateLimits"/> was reached.</summary>
    Limit,

    /// <summary>A feature of Jinja that this subset does not have.</summary>
    Unsupported,
}

/// <summary>A template that cannot be compiled or rendered.</summary>
public sealed class TemplateException : Exception
{
    internal TemplateException(TemplateErrorKind kind, string detail, int line = 0)
        : base((line > 0 ? $"chat template, line {line}: " : "chat template: ") + detail.ReplaceLineEndings(" "))
    {
        Kind = kind;
        Detail = detail;
        Line = line;
    }

    /// <summary>The kind of error.</summary>
    public TemplateErrorKind Kind { get; }

    /// <summary>The message alone, as Jinja or Python words it.</summary>
    public string Detail { get; }

    /// <summary>The line of the template, from 1; 0 where it is not known.</summary>
    public int Line { get; }

    internal TemplateException At(int line) => Line > 0 ? this : new TemplateException(Kind, Detail, line);
}
