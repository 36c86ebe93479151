using System.Globalization;
using System.Numerics;

namespace KernelTune.Text.Jinja.Python;

/// <summary>Decimal forms of a double: the shortest one that reads back the same (repr), and those with a given number of digits.</summary>
internal static class FloatText
{
    /// <summary>repr(x): shortest digits, an exponent below 1e-4 and from 1e16 on.</summary>
    public static string Repr(double value)
    {
        if (double.IsNaN(value)) return "nan";
        if (double.IsInfinity(value)) return value > 0 ? "inf" : "-inf";
        if (value == 0) return double.IsNegative(value) ? "-0.0" : "0.0";
        (string digits, int exponent) = Shortest(Math.Abs(value));
        string sign = value < 0 ? "-" : "";
        if (exponent is < -4 or >= 16) return sign + Scientific(digits, exponent);
        if (exponent < 0) return sign + "0." + new string('0', -exponent - 1) + digits;
        if (digits.Length <= exponent + 1) return sign + digits.PadRight(exponent + 1, '0') + ".0";
        return sign + digits[..(exponent + 1)] + "." + digits[(exponent + 1)..];
    }

    /// <summary>d.ddde±XX.</summary>
    public static string Scientific(string digits, int exponent) =>
        (digits.Length > 1 ? digits[..1] + "." + digits[1..] : digits) + ExponentPart(exponent);

    public static string ExponentPart(int exponent) =>
        (exponent < 0 ? "e-" : "e+") + Math.Abs(exponent).ToString("00", CultureInfo.InvariantCulture);

    private static (string Digits, int Exponent) Shortest(double value)
    {
        string shortest = value.ToString("R", CultureInfo.InvariantCulture);
        int e = shortest.IndexOf('E', StringComparison.Ordinal);
        string mantissa = e < 0 ? shortest : shortest[..e];
        int point = mantissa.IndexOf('.', StringComparison.Ordinal);
        string digits = mantissa.Replace(".", "", StringComparison.Ordinal);
        int exponent = (point < 0 ? mantissa.Length : point) - 1 + (e < 0 ? 0 : int.Parse(shortest.AsSpan(e + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture));
        string trimmed = digits.TrimStart('0');
        exponent -= digits.Length - trimmed.Length;
        trimmed = trimmed.TrimEnd('0');
        return (trimmed.Length == 0 ? "0" : trimmed, exponent);
    }

    /// <summary>|x| with <paramref name="decimals"/> digits after the point, exact, halves to even: "%.nf" and round().</summary>
    public static string Fixed(double value, int decimals)
    {
        (BigInteger mantissa, int exponent) = Split(Math.Abs(value));
        BigInteger scaled = mantissa * BigInteger.Pow(10, Math.Max(decimals, 0));
        BigInteger divisor = decimals < 0 ? BigInteger.Pow(10, -decimals) : BigInteger.One;
        if (exponent >= 0) scaled <<= exponent;
        else divisor <<= -exponent;
        BigInteger rounded = HalfEven(scaled, divisor);
        if (decimals <= 0) return (rounded * BigInteger.Pow(10, -decimals)).ToString(CultureInfo.InvariantCulture);
        string text = rounded.ToString(CultureInfo.InvariantCulture).PadLeft(decimals + 1, '0');
        return text[..^decimals] + "." + text[^decimals..];
    }

    /// <summary>|x| as <paramref name="count"/> significant digits and the exponent of the first: "%.ne" and "%.ng".</summary>
    public static (string Digits, int Exponent) Significant(double value, int count)
    {
        if (value == 0) return (new string('0', count), 0);
        (BigInteger mantissa, int binary) = Split(Math.Abs(value));
        int exponent = (int)Math.Floor(Math.Log10(Math.Abs(value)));
        for (exponent++; ; exponent--)
        {
            int scale = count - 1 - exponent;
            BigInteger top = mantissa * BigInteger.Pow(10, Math.Max(scale, 0));
            BigInteger bottom = BigInteger.Pow(10, Math.Max(-scale, 0));
            if (binary >= 0) top <<= binary;
            else bottom <<= -binary;
            string digits = HalfEven(top, bottom).ToString(CultureInfo.InvariantCulture);
            if (digits.Length == count) return (digits, exponent);
            if (digits.Length > count) return (digits[..count], exponent + 1);       // 9.99… rounded up to a power of ten
        }
    }

    private static BigInteger HalfEven(BigInteger top, BigInteger bottom)
    {
        BigInteger quotient = BigInteger.DivRem(top, bottom, out BigInteger rest);
        int half = (rest * 2).CompareTo(bottom);
        return half > 0 || (half == 0 && !quotient.IsEven) ? quotient + 1 : quotient;
    }

    private static (BigInteger Mantissa, int Exponent) Split(double value)
    {
        long bits = BitConverter.DoubleToInt64Bits(value);
        int exponent = (int)((bits >> 52) & 0x7FF);
        long mantissa = bits & 0xFFFFFFFFFFFFF;
        return exponent == 0 ? (mantissa, -1074) : (mantissa | (1L << 52), exponent - 1075);
    }
}
