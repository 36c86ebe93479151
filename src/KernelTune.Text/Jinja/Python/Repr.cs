using System.Globalization;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Text;
using KernelTune.Text.Jinja.Values;

namespace KernelTune.Text.Jinja.Python;

/// <summary>str(x) and repr(x) of the values that a template can hold.</summary>
internal static class Repr
{
    /// <summary>str(x), as <c>{{ x }}</c> prints it.</summary>
    public static TextValue Text(object? value) => value switch
    {
        TextValue text => text,
        UndefinedValue => TextValue.Empty,
        _ => TextValue.Derive(Of(value), HasContent(value)),
    };

    /// <summary>repr(x).</summary>
    public static string Of(object? value)
    {
        var into = new StringBuilder();
        Write(into, value);
        return into.ToString();
    }

    public static string Of(string text)
    {
        var into = new StringBuilder(text.Length + 2);
        Write(into, text);
        return into.ToString();
    }

    /// <summary>True where a value holds text that came from a message.</summary>
    public static bool HasContent(object? value)
    {
        CheckStack();
        return value switch
        {
            TextValue text => text.Content is not null,
            ListValue list => list.Items.Any(HasContent),
            TupleValue tuple => tuple.Items.Any(HasContent),
            DictValue dict => dict.Entries.Any(e => HasContent(e.Key) || HasContent(e.Value)),
            ViewValue view => HasContent(view.Dict),
            _ => false,
        };
    }

    public static void CheckStack()
    {
        if (!RuntimeHelpers.TryEnsureSufficientExecutionStack()) throw new TemplateException(TemplateErrorKind.Limit, "a value nested too deeply");
    }

    private static void Write(StringBuilder into, object? value)
    {
        CheckStack();
        switch (value)
        {
            case null: into.Append("None"); break;
            case bool b: into.Append(b ? "True" : "False"); break;
            case BigInteger i: into.Append(i.ToString(CultureInfo.InvariantCulture)); break;
            case double d: into.Append(FloatText.Repr(d)); break;
            case TextValue text:
                if (text.Safe) into.Append("Markup(");
                Write(into, text.Text);
                if (text.Safe) into.Append(')');
                break;
            case ListValue list: Write(into, '[', list.Items, ']'); break;
            case TupleValue tuple:
                Write(into, '(', tuple.Items, ')');
                if (tuple.Items.Count == 1) into.Insert(into.Length - 1, ',');
                break;
            case DictValue dict: Write(into, dict); break;
            case ViewValue view:
                into.Append("dict_").Append(view.Kind).Append('(');
                Write(into, '[', view.Items.ToList(), ']');
                into.Append(')');
                break;
            case RangeValue range:
                into.Append(CultureInfo.InvariantCulture, $"range({range.Start}, {range.Stop}");
                if (!range.Step.IsOne) into.Append(CultureInfo.InvariantCulture, $", {range.Step}");
                into.Append(')');
                break;
            case UndefinedValue: into.Append("Undefined"); break;
            case NamespaceValue ns:
                into.Append("<Namespace {");
                int n = 0;
                foreach ((string name, object? held) in ns.Attributes)
                {
                    if (n++ > 0) into.Append(", ");
                    Write(into, name);
                    into.Append(": ");
                    Write(into, held);
                }

                into.Append("}>");
                break;
            case LoopValue loop: into.Append(CultureInfo.InvariantCulture, $"<LoopContext {loop.Index0 + 1}/{loop.Length()}>"); break;
            case MacroValue macro: into.Append("<Macro ").Append(macro.Name is null ? "anonymous" : Of(macro.Name)).Append('>'); break;
            case IteratorValue iterator: into.Append('<').Append(iterator.Type).Append(" object>"); break;
            case FunctionValue function: into.Append("<function ").Append(function.Name).Append('>'); break;
            default: into.Append('<').Append(TypeNames.Of(value)).Append('>'); break;
        }
    }

    private static void Write(StringBuilder into, DictValue dict)
    {
        into.Append('{');
        for (int i = 0; i < dict.Count; i++)
        {
            if (i > 0) into.Append(", ");
            Write(into, dict.Entries[i].Key);
            into.Append(": ");
            Write(into, dict.Entries[i].Value);
        }

        into.Append('}');
    }

    private static void Write(StringBuilder into, char open, IReadOnlyList<object?> items, char close)
    {
        into.Append(open);
        for (int i = 0; i < items.Count; i++)
        {
            if (i > 0) into.Append(", ");
            Write(into, items[i]);
        }

        into.Append(close);
    }

    private static void Write(StringBuilder into, string text)
    {
        char quote = text.Contains('\'') && !text.Contains('"') ? '"' : '\'';
        into.Append(quote);
        for (int i = 0; i < text.Length; i += CodePoints.Width(text, i))
        {
            int c = CodePoints.ValueAt(text, i);
            if (c == quote || c == '\\') into.Append('\\').Append((char)c);
            else if (c == '\n') into.Append("\\n");
            else if (c == '\r') into.Append("\\r");
            else if (c == '\t') into.Append("\\t");
            else if (Characters.IsPrintable(c)) into.Append(text, i, CodePoints.Width(text, i));
            else if (c < 0x100) into.Append(CultureInfo.InvariantCulture, $"\\x{c:x2}");
            else if (c < 0x10000) into.Append(CultureInfo.InvariantCulture, $"\\u{c:x4}");
            else into.Append(CultureInfo.InvariantCulture, $"\\U{c:x8}");
        }

        into.Append(quote);
    }
}
