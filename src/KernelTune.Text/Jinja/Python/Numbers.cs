using System.Globalization;
using System.Numerics;
using KernelTune.Text.Jinja.Values;

namespace KernelTune.Text.Jinja.Python;

/// <summary>Python's int (any size), float and bool as numbers.</summary>
internal static class Numbers
{
    private const int LargestBits = 1 << 16;       // a bound of ours, not Python's: 2 ** 65536 and no more

    public static bool IsNumber(object? value) => value is bool or BigInteger or double;

    public static bool IsInteger(object? value) => value is bool or BigInteger;

    public static BigInteger ToInteger(object? value) => value switch
    {
        bool b => b ? BigInteger.One : BigInteger.Zero,
        BigInteger i => i,
        UndefinedValue undefined => throw undefined.Error(),
        _ => throw new TemplateException(TemplateErrorKind.Type, $"'{TypeNames.Of(value)}' object cannot be interpreted as an integer"),
    };

    /// <summary>An index or a count: clamped to the range of int, which no string or list of ours reaches.</summary>
    public static int ToInt32(object? value)
    {
        BigInteger i = ToInteger(value);
        return i > int.MaxValue ? int.MaxValue : i < int.MinValue ? int.MinValue : (int)i;
    }

    public static double ToDouble(object value)
    {
        double d = value switch { bool b => b ? 1 : 0, BigInteger i => (double)i, double x => x, _ => double.NaN };
        if (value is BigInteger && double.IsInfinity(d)) throw new TemplateException(TemplateErrorKind.Overflow, "int too large to convert to float");
        return d;
    }

    public static bool AreEqual(object a, object b) => IsInteger(a) && IsInteger(b)
        ? ToInteger(a) == ToInteger(b)
        : (a is not double x || !double.IsNaN(x)) && (b is not double y || !double.IsNaN(y)) && Compare(a, b) == 0;

    public static int Compare(object a, object b)
    {
        if (IsInteger(a) && IsInteger(b)) return ToInteger(a).CompareTo(ToInteger(b));
        if (a is double x && b is double y) return x < y ? -1 : x > y ? 1 : x == y ? 0 : 2;       // 2: not a number, so never equal, less or greater-equal
        return a is double d ? CompareMixed(d, ToInteger(b)) : -CompareMixed((double)b, ToInteger(a));
    }

    private static int CompareMixed(double d, BigInteger i)
    {
        if (double.IsNaN(d)) return 2;
        if (double.IsInfinity(d)) return d > 0 ? 1 : -1;
        double floor = Math.Floor(d);
        int order = new BigInteger(floor).CompareTo(i);
        return order != 0 ? order : d > floor ? 1 : 0;
    }

    public static object? Arithmetic(string op, object? a, object? b)
    {
        if (!IsNumber(a) || !IsNumber(b)) throw Unsupported(op, a, b);
        return IsInteger(a) && IsInteger(b) ? Integers(op, ToInteger(a), ToInteger(b)) : Floats(op, ToDouble(a!), ToDouble(b!));
    }

    public static TemplateException Unsupported(string op, object? a, object? b)
    {
        if (a is UndefinedValue x) return x.Error();
        if (b is UndefinedValue y) return y.Error();
        string name = op == "**" ? "** or pow()" : op;
        return new TemplateException(TemplateErrorKind.Type, $"unsupported operand type(s) for {name}: '{TypeNames.Of(a)}' and '{TypeNames.Of(b)}'");
    }

    private static object Integers(string op, BigInteger a, BigInteger b)
    {
        switch (op)
        {
            case "+": return a + b;
            case "-": return a - b;
            case "*":
                Bound(a.GetBitLength() + b.GetBitLength());
                return a * b;
            case "/":
                if (b.IsZero) throw Zero("division by zero");
                return Ratio(a, b);
            case "//":
                if (b.IsZero) throw Zero("integer division or modulo by zero");
                return FloorDivide(a, b);
            case "%":
                if (b.IsZero) throw Zero("integer modulo by zero");
                return a - (FloorDivide(a, b) * b);
            default:
                if (b.Sign < 0)
                {
                    if (a.IsZero) throw Zero("0.0 cannot be raised to a negative power");
                    return Math.Pow(ToDouble(a), ToDouble(b));
                }

                if (b > LargestBits && BigInteger.Abs(a) > 1) Bound(long.MaxValue);
                Bound((long)(a.GetBitLength() * (double)BigInteger.Min(b, LargestBits)));
                return BigInteger.Abs(a) > 1 ? BigInteger.Pow(a, (int)b) : b.IsZero ? BigInteger.One : a.Sign < 0 && b.IsEven ? BigInteger.One : a;
        }
    }

    private static void Bound(long bits)
    {
        if (bits > LargestBits) throw new TemplateException(TemplateErrorKind.Limit, $"an integer of more than {LargestBits} bits");
    }

    private static BigInteger FloorDivide(BigInteger a, BigInteger b)
    {
        BigInteger q = BigInteger.DivRem(a, b, out BigInteger r);
        return !r.IsZero && (r.Sign < 0) != (b.Sign < 0) ? q - 1 : q;
    }

    /// <summary>a / b rounded once, also where neither fits a double.</summary>
    private static double Ratio(BigInteger a, BigInteger b)
    {
        if (BigInteger.Abs(a) < (1L << 53) && BigInteger.Abs(b) < (1L << 53)) return (double)a / (double)b;
        // Scale so that the quotient has 64 bits or more, keep a sticky bit, and let the one conversion to double do the rounding.
        int shift = (int)Math.Max(0, 66 - (a.GetBitLength() - b.GetBitLength()));
        BigInteger quotient = BigInteger.DivRem(BigInteger.Abs(a) << shift, BigInteger.Abs(b), out BigInteger rest);
        quotient = (quotient << 1) | (rest.IsZero ? 0 : 1);
        double value = Math.ScaleB((double)quotient, -shift - 1);
        if (double.IsInfinity(value)) throw new TemplateException(TemplateErrorKind.Overflow, "integer division result too large for a float");
        return a.Sign * b.Sign < 0 ? -value : value;
    }

    private static double Floats(string op, double a, double b)
    {
        switch (op)
        {
            case "+": return a + b;
            case "-": return a - b;
            case "*": return a * b;
            case "/":
                if (b == 0) throw Zero("float division by zero");
                return a / b;
            case "//":
                if (b == 0) throw Zero("float floor division by zero");
                return FloorDivide(a, b);
            case "%":
                if (b == 0) throw Zero("float modulo");
                return Modulo(a, b);
            default:
                if (a == 0 && b < 0) throw Zero("0.0 cannot be raised to a negative power");
                if (a < 0 && b != Math.Floor(b)) throw new TemplateException(TemplateErrorKind.Unsupported, "complex numbers are not supported");
                double power = Math.Pow(a, b);
                if (double.IsInfinity(power) && !double.IsInfinity(a) && !double.IsInfinity(b)) throw new TemplateException(TemplateErrorKind.Overflow, "(34, 'Numerical result out of range')");
                return power;
        }
    }

    private static double Modulo(double a, double b)
    {
        double m = a % b;
        return m != 0 ? (m < 0) != (b < 0) ? m + b : m : Math.CopySign(0, b);
    }

    private static double FloorDivide(double a, double b)
    {
        double quotient = (a - Modulo(a, b)) / b;
        if (quotient == 0) return Math.CopySign(0, a / b);
        double floor = Math.Floor(quotient);
        return quotient - floor > 0.5 ? floor + 1 : floor;
    }

    private static TemplateException Zero(string message) => new(TemplateErrorKind.ZeroDivision, message);

    public static object? Negate(object? value) => value switch
    {
        double d => -d,
        bool or BigInteger => -ToInteger(value),
        UndefinedValue undefined => throw undefined.Error(),
        _ => throw new TemplateException(TemplateErrorKind.Type, $"bad operand type for unary -: '{TypeNames.Of(value)}'"),
    };

    public static object? Plus(object? value) => value switch
    {
        double d => d,
        bool or BigInteger => ToInteger(value),
        UndefinedValue undefined => throw undefined.Error(),
        _ => throw new TemplateException(TemplateErrorKind.Type, $"bad operand type for unary +: '{TypeNames.Of(value)}'"),
    };

    /// <summary>float(text): false where Python raises ValueError.</summary>
    public static bool TryParseFloat(string text, out double value)
    {
        text = text.Trim(Characters.WhiteSpace).ToLowerInvariant();
        string bare = text.TrimStart('+', '-');
        value = 0;
        if (bare is "inf" or "infinity" or "nan" && text.Length - bare.Length <= 1)
        {
            value = bare == "nan" ? double.NaN : text[0] == '-' ? double.NegativeInfinity : double.PositiveInfinity;
            return true;
        }

        return WithoutUnderscores(text, out string digits) && digits.Length > 0 && digits.All(c => char.IsAsciiDigit(c) || c is '+' or '-' or '.' or 'e')
            && double.TryParse(digits, NumberStyles.Float, CultureInfo.InvariantCulture, out value);
    }

    /// <summary>int(text, radix): false where Python raises ValueError. Radix 0 reads the prefix.</summary>
    public static bool TryParseInteger(string text, int radix, out BigInteger value)
    {
        value = BigInteger.Zero;
        text = text.Trim(Characters.WhiteSpace).ToLowerInvariant();
        bool negative = text.StartsWith('-');
        if (negative || text.StartsWith('+')) text = text[1..];
        int prefixed = text.Length > 2 && text[0] == '0' ? text[1] switch { 'x' => 16, 'o' => 8, 'b' => 2, _ => 0 } : 0;
        if (prefixed != 0 && (radix == 0 || radix == prefixed))
        {
            radix = prefixed;
            text = text[2..].TrimStart('_');
        }

        if (radix == 0) radix = 10;
        if (!WithoutUnderscores(text, out string digits) || digits.Length == 0 || digits.Length > 20_000) return false;
        foreach (char c in digits)
        {
            int digit = char.IsAsciiDigit(c) ? c - '0' : c is >= 'a' and <= 'z' ? c - 'a' + 10 : char.IsDigit(c) ? (int)char.GetNumericValue(c) : 99;
            if (digit >= radix) return false;
            value = (value * radix) + digit;
        }

        if (negative) value = -value;
        return true;
    }

    private static bool WithoutUnderscores(string text, out string digits)
    {
        digits = text.Replace("_", "", StringComparison.Ordinal);
        if (digits.Length == text.Length) return true;
        return !text.StartsWith('_') && !text.EndsWith('_') && !text.Contains("__", StringComparison.Ordinal);
    }
}
