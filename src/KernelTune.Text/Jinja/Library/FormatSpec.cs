using System.Globalization;
using System.Numerics;
using System.Text;
using KernelTune.Text.Jinja.Python;
using KernelTune.Text.Jinja.Values;

namespace KernelTune.Text.Jinja.Library;

/// <summary>Python's format specification: [[fill]align][sign][#][0][width][,_][.precision][type].</summary>
internal static class FormatSpec
{
    /// <exception cref="TemplateException">The specification is wrong, or does not suit the value.</exception>
    public static string Apply(object? value, string spec, Budget budget)
    {
        if (spec.Length == 0) return Repr.Text(value).Text;
        int i = 0;
        string fill = " ";
        char align = '\0';
        int first = CodePoints.Width(spec, 0);
        if (spec.Length > first && spec[first] is '<' or '>' or '=' or '^')
        {
            fill = spec[..first];
            align = spec[first];
            i = first + 1;
        }
        else if (spec[0] is '<' or '>' or '=' or '^')
        {
            align = spec[i++];
        }

        char sign = i < spec.Length && spec[i] is '+' or '-' or ' ' ? spec[i++] : '-';
        bool alternate = i < spec.Length && spec[i] == '#' && i++ >= 0;
        if (i < spec.Length && spec[i] == '0')
        {
            i++;
            if (align == '\0') (fill, align) = ("0", value is TextValue ? '<' : '=');
        }

        int width = Digits(spec, ref i) ?? 0;
        char group = i < spec.Length && spec[i] is ',' or '_' ? spec[i++] : '\0';
        int? precision = null;
        if (i < spec.Length && spec[i] == '.')
        {
            i++;
            precision = Digits(spec, ref i) ?? throw Bad("Format specifier missing precision");
        }

        char type = i < spec.Length ? spec[i++] : '\0';
        if (i < spec.Length) throw Bad($"Invalid format specifier '{spec}' for object of type '{TypeNames.Of(value)}'");
        budget.Allocate((long)width + (precision ?? 0));
        (string prefix, string body) = value switch
        {
            TextValue text when type is '\0' or 's' => ("", precision is { } p && p < text.Length ? Iteration.Slice(text, 0, p).Text : text.Text),
            bool b when type == '\0' => ("", b ? "True" : "False"),
            bool or BigInteger when type is '\0' or 'd' or 'n' or 'b' or 'o' or 'x' or 'X' or 'c' => Integer(Numbers.ToInteger(value), type, sign, alternate, group),
            bool or BigInteger or double when type is '\0' or 'e' or 'E' or 'f' or 'F' or 'g' or 'G' or 'n' or '%' => Float(Numbers.ToDouble(value!), type, sign, group, precision),
            _ when Numbers.IsNumber(value) || value is TextValue => throw Bad($"Unknown format code '{type}' for object of type '{TypeNames.Of(value)}'"),
            _ => throw new TemplateException(TemplateErrorKind.Type, $"unsupported format string passed to {TypeNames.Of(value)}.__format__"),
        };
        int missing = width - CodePoints.Count(prefix) - CodePoints.Count(body);
        if (missing <= 0) return prefix + body;
        if (align == '\0') align = value is TextValue ? '<' : '>';
        return align switch
        {
            '<' => prefix + body + StringMethods.Repeat(fill, missing),
            '^' => StringMethods.Repeat(fill, missing / 2) + prefix + body + StringMethods.Repeat(fill, missing - (missing / 2)),
            '=' => prefix + StringMethods.Repeat(fill, missing) + body,
            _ => StringMethods.Repeat(fill, missing) + prefix + body,
        };
    }

    private static (string, string) Integer(BigInteger value, char type, char sign, bool alternate, char group)
    {
        BigInteger magnitude = BigInteger.Abs(value);
        string digits = type switch
        {
            'b' => Radix(magnitude, 2),
            'o' => Radix(magnitude, 8),
            'x' => Radix(magnitude, 16),
            'X' => Radix(magnitude, 16).ToUpperInvariant(),
            'c' => char.ConvertFromUtf32((int)magnitude),
            _ => magnitude.ToString(CultureInfo.InvariantCulture),
        };
        string prefix = alternate ? type switch { 'b' => "0b", 'o' => "0o", 'x' => "0x", 'X' => "0X", _ => "" } : "";
        return (SignOf(value.Sign < 0, sign) + prefix, Grouped(digits, group, type is 'b' or 'o' or 'x' or 'X' ? 4 : 3));
    }

    public static string Radix(BigInteger value, int radix)
    {
        if (value.IsZero) return "0";
        var digits = new StringBuilder();
        for (; !value.IsZero; value /= radix) digits.Insert(0, "0123456789abcdef"[(int)(value % radix)]);
        return digits.ToString();
    }

    private static (string, string) Float(double value, char type, char sign, char group, int? precision)
    {
        string prefix = SignOf(double.IsNegative(value) && !double.IsNaN(value), sign);
        if (type == '%') return (prefix, Grouped(FloatBody(value * 100, 'f', precision), group, 3) + "%");
        return (prefix, Grouped(FloatBody(value, type, precision), group, 3));
    }

    /// <summary>|value| as %e, %f, %g or (type 0) as repr does, with as many digits as asked.</summary>
    public static string FloatBody(double value, char type, int? precision, bool alternate = false)
    {
        bool upper = char.IsUpper(type);
        if (!double.IsFinite(value)) return upper ? FloatText.Repr(Math.Abs(value)).ToUpperInvariant() : FloatText.Repr(Math.Abs(value));
        int digits = Math.Min(precision ?? 6, 1000);
        string text;
        switch (char.ToLowerInvariant(type))
        {
            case '\0' when precision is null:
                return FloatText.Repr(Math.Abs(value));
            case 'f':
                text = FloatText.Fixed(value, digits);
                break;
            case 'e':
                (string mantissa, int exponent) = FloatText.Significant(value, digits + 1);
                text = FloatText.Scientific(mantissa, exponent);
                break;
            default:
                if (digits == 0) digits = 1;
                (string significant, int e) = FloatText.Significant(value, digits);
                if (e < -4 || e >= digits)
                {
                    string kept = alternate ? significant : significant.TrimEnd('0');
                    text = FloatText.Scientific(kept.Length == 0 ? "0" : kept, e);
                }
                else
                {
                    text = FloatText.Fixed(value, Math.Max(digits - 1 - e, 0));
                    if (!alternate && text.Contains('.')) text = text.TrimEnd('0').TrimEnd('.');
                    if (type == '\0' && !text.Contains('.')) text += ".0";
                }

                break;
        }

        return upper ? text.ToUpperInvariant() : text;
    }

    private static string SignOf(bool negative, char sign) => negative ? "-" : sign == '-' ? "" : sign.ToString();

    private static string Grouped(string digits, char group, int size)
    {
        if (group == '\0') return digits;
        int end = digits.AsSpan().IndexOfAnyExceptInRange('0', '9');
        if (size == 4) end = digits.Length;
        string whole = end < 0 ? digits : digits[..end];
        var text = new StringBuilder(whole);
        for (int i = whole.Length - size; i > 0; i -= size) text.Insert(i, group);
        return text + digits[whole.Length..];
    }

    private static int? Digits(string spec, ref int i)
    {
        int start = i;
        while (i < spec.Length && char.IsAsciiDigit(spec[i])) i++;
        if (i == start) return null;
        return int.TryParse(spec.AsSpan(start, i - start), NumberStyles.None, CultureInfo.InvariantCulture, out int value) ? value : throw Bad("Too many decimal digits in format string");
    }

    private static TemplateException Bad(string message) => new(TemplateErrorKind.Value, message);
}
