using System.Globalization;
using System.Numerics;
using KernelTune.Text.Jinja.Evaluation;
using KernelTune.Text.Jinja.Python;
using KernelTune.Text.Jinja.Values;

namespace KernelTune.Text.Jinja.Library;

/// <summary>"%s and %(name)5.2f" % values.</summary>
internal static class PercentFormat
{
    /// <exception cref="TemplateException">Too few or too many values, or one of the wrong type.</exception>
    public static TextValue Format(Evaluator evaluator, TextValue format, object? values)
    {
        string s = format.Text;
        IReadOnlyList<object?> items = values is TupleValue tuple ? tuple.Items : [values];
        int next = 0;
        var into = new TextBuilder();
        object? Take()
        {
            if (next >= items.Count) throw new TemplateException(TemplateErrorKind.Type, "not enough arguments for format string");
            return items[next++];
        }

        for (int i = 0; i < s.Length;)
        {
            int percent = s.IndexOf('%', i);
            if (percent < 0) percent = s.Length;
            into.Append(format.Substring(i, percent));
            i = percent + 1;
            if (percent == s.Length) break;
            object? keyed = null;
            bool hasKey = i < s.Length && s[i] == '(';
            if (hasKey)
            {
                int close = s.IndexOf(')', i);
                if (close < 0) throw new TemplateException(TemplateErrorKind.Value, "incomplete format key");
                if (values is not DictValue dict) throw new TemplateException(TemplateErrorKind.Type, "format requires a mapping");
                string key = s[(i + 1)..close];
                if (!dict.TryGet(key, out keyed)) throw new TemplateException(TemplateErrorKind.Key, Repr.Of(key));
                i = close + 1;
                next = items.Count;
            }

            int flagsAt = i;
            while (i < s.Length && s[i] is '-' or '+' or ' ' or '#' or '0') i++;
            string flags = s[flagsAt..i];
            int? width = Count(s, ref i, Take);
            if (width < 0) (width, flags) = (-width, flags + "-");
            int? precision = null;
            if (i < s.Length && s[i] == '.')
            {
                i++;
                precision = Count(s, ref i, Take) ?? 0;
            }

            while (i < s.Length && s[i] is 'l' or 'h' or 'L') i++;
            if (i >= s.Length) throw new TemplateException(TemplateErrorKind.Value, "incomplete format");
            char type = s[i++];
            if (type == '%')
            {
                into.Append("%");
                continue;
            }

            object? value = hasKey ? keyed : Take();
            TextValue piece = One(evaluator, type, value, flags, width ?? 0, precision, i - 1);
            into.Append(format.Safe ? evaluator.Escape(piece) : piece);
        }

        if (next < items.Count && values is not (DictValue or ListValue)) throw new TemplateException(TemplateErrorKind.Type, "not all arguments converted during string formatting");
        return into.ToValue(format.Safe);
    }

    private static int? Count(string s, ref int i, Func<object?> take)
    {
        if (i < s.Length && s[i] == '*')
        {
            i++;
            return Numbers.ToInt32(take());
        }

        int start = i;
        while (i < s.Length && char.IsAsciiDigit(s[i])) i++;
        if (i == start) return null;
        return int.TryParse(s.AsSpan(start, i - start), NumberStyles.None, CultureInfo.InvariantCulture, out int n) ? n : throw new TemplateException(TemplateErrorKind.Value, "width too big");
    }

    private static TextValue One(Evaluator evaluator, char type, object? value, string flags, int width, int? precision, int at)
    {
        string sign = "", body;
        bool number = true;
        switch (type)
        {
            case 's' or 'r' or 'a':
                TextValue text = type == 's' ? Repr.Text(value) : TextValue.Derive(Repr.Of(value), Repr.HasContent(value));
                if (precision is { } limit && limit < text.Length) text = Iteration.Slice(text, 0, limit);
                if (width <= text.Length)
                {
                    evaluator.Budget.Allocate(text.Text.Length);
                    return text;
                }

                body = text.Text;
                number = false;
                break;
            case 'c':
                body = value is TextValue { Length: 1 } c ? c.Text : Numbers.IsInteger(value) ? char.ConvertFromUtf32(Numbers.ToInt32(value))
                    : throw new TemplateException(TemplateErrorKind.Type, "%c requires int or char");
                number = false;
                break;
            case 'd' or 'i' or 'u' or 'x' or 'X' or 'o':
                if (value is double && type is 'd' or 'i' or 'u') value = new BigInteger(Math.Truncate((double)value!));
                if (value is UndefinedValue undefined) throw undefined.Error();
                if (!Numbers.IsInteger(value))
                    throw new TemplateException(TemplateErrorKind.Type, type is 'd' or 'i' or 'u'
                        ? $"%{type} format: a real number is required, not {TypeNames.Of(value)}"
                        : $"%{type} format: an integer is required, not {TypeNames.Of(value)}");
                BigInteger integer = Numbers.ToInteger(value);
                sign = SignOf(integer.Sign < 0, flags);
                body = type switch
                {
                    'x' => FormatSpec.Radix(BigInteger.Abs(integer), 16),
                    'X' => FormatSpec.Radix(BigInteger.Abs(integer), 16).ToUpperInvariant(),
                    'o' => FormatSpec.Radix(BigInteger.Abs(integer), 8),
                    _ => BigInteger.Abs(integer).ToString(CultureInfo.InvariantCulture),
                };
                if (precision is { } digits) body = body.PadLeft(Math.Min(digits, 1000), '0');
                if (flags.Contains('#')) sign += type switch { 'x' => "0x", 'X' => "0X", 'o' => "0o", _ => "" };
                break;
            case 'e' or 'E' or 'f' or 'F' or 'g' or 'G':
                if (value is UndefinedValue missing) throw missing.Error();
                if (!Numbers.IsNumber(value)) throw new TemplateException(TemplateErrorKind.Type, $"must be real number, not {TypeNames.Of(value)}");
                double d = Numbers.ToDouble(value!);
                sign = SignOf(double.IsNegative(d) && !double.IsNaN(d), flags);
                body = FormatSpec.FloatBody(d, type, precision ?? 6, flags.Contains('#'));
                break;
            default:
                throw new TemplateException(TemplateErrorKind.Value, $"unsupported format character '{type}' (0x{(int)type:x}) at index {at}");
        }

        int blanks = width - CodePoints.Count(sign) - CodePoints.Count(body);
        evaluator.Budget.Allocate(Math.Max(width, body.Length));
        string result = blanks <= 0 ? sign + body
            : flags.Contains('-') ? sign + body + new string(' ', blanks)
            : number && flags.Contains('0') ? sign + new string('0', blanks) + body
            : new string(' ', blanks) + sign + body;
        return TextValue.Derive(result, Repr.HasContent(value));
    }

    private static string SignOf(bool negative, string flags) => negative ? "-" : flags.Contains('+') ? "+" : flags.Contains(' ') ? " " : "";
}
