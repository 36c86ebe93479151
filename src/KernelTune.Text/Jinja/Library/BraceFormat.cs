using System.Globalization;
using System.Numerics;
using KernelTune.Text.Jinja.Evaluation;
using KernelTune.Text.Jinja.Python;
using KernelTune.Text.Jinja.Values;

namespace KernelTune.Text.Jinja.Library;

/// <summary>"{0.name!r:&gt;10}".format(…): fields reach only what a template could reach.</summary>
internal static class BraceFormat
{
    public static TextValue Format(Evaluator evaluator, TextValue format, IReadOnlyList<object?> positional, IReadOnlyList<KeyValuePair<string, object?>> named)
    {
        int automatic = 0;
        return Fill(evaluator, format, positional, named, ref automatic, depth: 2);
    }

    private static TextValue Fill(Evaluator evaluator, TextValue format, IReadOnlyList<object?> positional, IReadOnlyList<KeyValuePair<string, object?>> named, ref int automatic, int depth)
    {
        if (depth < 0) throw new TemplateException(TemplateErrorKind.Value, "Max string recursion exceeded");
        string s = format.Text;
        var into = new TextBuilder();
        int i = 0;
        while (i < s.Length)
        {
            int brace = s.AsSpan(i).IndexOfAny('{', '}');
            if (brace < 0) brace = s.Length - i;
            into.Append(format.Substring(i, i + brace));
            i += brace;
            if (i >= s.Length) break;
            if (i + 1 < s.Length && s[i + 1] == s[i])
            {
                into.Append(format.Substring(i, i + 1));
                i += 2;
                continue;
            }

            if (s[i] == '}') throw new TemplateException(TemplateErrorKind.Value, "Single '}' encountered in format string");
            int end = FieldEnd(s, i + 1);
            (string name, char conversion, string spec) = Parts(s[(i + 1)..end]);
            object? value = Field(evaluator, name, positional, named, ref automatic);
            if (spec.Contains('{')) spec = Fill(evaluator, new TextValue(spec), positional, named, ref automatic, depth - 1).Text;
            if (conversion == 'r') value = TextValue.Derive(Repr.Of(value), Repr.HasContent(value));
            else if (conversion == 's') value = Repr.Text(value);
            TextValue piece = spec.Length == 0 ? Repr.Text(value) : TextValue.Derive(FormatSpec.Apply(value, spec, evaluator.Budget), Repr.HasContent(value));
            evaluator.Budget.Allocate(piece.Text.Length);
            into.Append(format.Safe ? evaluator.Escape(piece) : piece);
            i = end + 1;
        }

        return into.ToValue(format.Safe);
    }

    private static int FieldEnd(string s, int from)
    {
        int open = 1;
        for (int i = from; i < s.Length; i++)
        {
            if (s[i] == '{') open++;
            else if (s[i] == '}' && --open == 0) return i;
        }

        throw new TemplateException(TemplateErrorKind.Value, from == s.Length ? "Single '{' encountered in format string" : "expected '}' before end of string");
    }

    private static (string Name, char Conversion, string Spec) Parts(string field)
    {
        int bracket = 0, i = 0;
        for (; i < field.Length; i++)
        {
            if (field[i] == '[') bracket++;
            else if (field[i] == ']') bracket--;
            else if (bracket <= 0 && field[i] is '!' or ':') break;
        }

        string name = field[..i];
        char conversion = '\0';
        if (i < field.Length && field[i] == '!')
        {
            if (i + 1 >= field.Length) throw new TemplateException(TemplateErrorKind.Value, "end of string while looking for conversion specifier");
            conversion = field[i + 1];
            i += 2;
            if (conversion is not ('r' or 's' or 'a')) throw new TemplateException(TemplateErrorKind.Value, $"Unknown conversion specifier '{conversion}'");
            if (i < field.Length && field[i] != ':') throw new TemplateException(TemplateErrorKind.Value, "expected ':' after conversion specifier");
        }

        return (name, conversion == 'a' ? 'r' : conversion, i < field.Length ? field[(i + 1)..] : "");
    }

    private static object? Field(Evaluator evaluator, string name, IReadOnlyList<object?> positional, IReadOnlyList<KeyValuePair<string, object?>> named, ref int automatic)
    {
        int end = name.AsSpan().IndexOfAny('.', '[');
        string first = end < 0 ? name : name[..end];
        object? value;
        if (first.Length == 0 || first.All(char.IsAsciiDigit))
        {
            if (first.Length == 0 ? automatic < 0 : automatic > 0)
                throw new TemplateException(TemplateErrorKind.Value, "cannot switch from manual field specification to automatic field numbering");
            int index = first.Length == 0 ? automatic++ : int.Parse(first, CultureInfo.InvariantCulture);
            if (first.Length > 0) automatic = -1;
            if (index >= positional.Count)
                throw new TemplateException(TemplateErrorKind.Index, $"Replacement index {index} out of range for positional args tuple");
            value = positional[index];
        }
        else
        {
            value = named.Where(n => n.Key == first).Select(n => n.Value).Cast<object?>().DefaultIfEmpty(evaluator).First();
            if (ReferenceEquals(value, evaluator)) throw new TemplateException(TemplateErrorKind.Key, Repr.Of(first));
        }

        for (int i = first.Length; i < name.Length;)
        {
            if (name[i] == '.')
            {
                int stop = name.AsSpan(i + 1).IndexOfAny('.', '[');
                string attribute = stop < 0 ? name[(i + 1)..] : name.Substring(i + 1, stop);
                if (attribute.Length == 0) throw new TemplateException(TemplateErrorKind.Value, "Empty attribute in format string");
                value = Members.Attribute(value, attribute);
                i += attribute.Length + 1;
            }
            else
            {
                int close = name.IndexOf(']', i);
                if (close < 0) throw new TemplateException(TemplateErrorKind.Value, "Missing ']' in format string");
                string key = name[(i + 1)..close];
                value = Members.Item(value, key.Length > 0 && key.All(char.IsAsciiDigit) ? BigInteger.Parse(key, CultureInfo.InvariantCulture) : new TextValue(key));
                i = close + 1;
            }
        }

        return value;
    }
}
