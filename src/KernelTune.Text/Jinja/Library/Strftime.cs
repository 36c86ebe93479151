using System.Globalization;
using System.Text;

namespace KernelTune.Text.Jinja.Library;

/// <summary>datetime.strftime in the C locale, with glibc's - flag for numbers without padding.</summary>
internal static class Strftime
{
    /// <exception cref="TemplateException">A directive that is not one of strftime's.</exception>
    public static string Format(string format, DateTime t)
    {
        var into = new StringBuilder();
        for (int i = 0; i < format.Length; i++)
        {
            if (format[i] != '%' || i + 1 == format.Length)
            {
                into.Append(format[i]);
                continue;
            }

            char flag = format[i + 1] is '-' or '_' or '0' or '^' or '#' && i + 2 < format.Length ? format[++i] : '\0';
            string piece = One(format[++i], t, flag);
            into.Append(flag == '^' ? piece.ToUpperInvariant() : piece);
        }

        return into.ToString();
    }

    private static string One(char directive, DateTime t, char flag)
    {
        DateTimeFormatInfo names = CultureInfo.InvariantCulture.DateTimeFormat;
        string Number(int value, int width, char pad = '0') => flag switch
        {
            '-' => value.ToString(CultureInfo.InvariantCulture),
            '_' => value.ToString(CultureInfo.InvariantCulture).PadLeft(width, ' '),
            '0' => value.ToString(CultureInfo.InvariantCulture).PadLeft(width, '0'),
            _ => value.ToString(CultureInfo.InvariantCulture).PadLeft(width, pad),
        };
        int hour12 = t.Hour % 12 == 0 ? 12 : t.Hour % 12;
        int weekday = (int)t.DayOfWeek;
        return directive switch
        {
            'a' => names.GetAbbreviatedDayName(t.DayOfWeek),
            'A' => names.GetDayName(t.DayOfWeek),
            'b' or 'h' => names.GetAbbreviatedMonthName(t.Month),
            'B' => names.GetMonthName(t.Month),
            'c' => Format("%a %b %e %H:%M:%S %Y", t),
            'C' => Number(t.Year / 100, 2),
            'd' => Number(t.Day, 2),
            'D' or 'x' => Format("%m/%d/%y", t),
            'e' => Number(t.Day, 2, ' '),
            'f' => (t.Ticks / 10 % 1_000_000).ToString("000000", CultureInfo.InvariantCulture),
            'F' => Format("%Y-%m-%d", t),
            'g' => Number(ISOWeek.GetYear(t) % 100, 2),
            'G' => Number(ISOWeek.GetYear(t), 1),
            'H' => Number(t.Hour, 2),
            'I' => Number(hour12, 2),
            'j' => Number(t.DayOfYear, 3),
            'k' => Number(t.Hour, 2, ' '),
            'l' => Number(hour12, 2, ' '),
            'm' => Number(t.Month, 2),
            'M' => Number(t.Minute, 2),
            'n' => "\n",
            'p' => t.Hour < 12 ? "AM" : "PM",
            'P' => t.Hour < 12 ? "am" : "pm",
            'r' => Format("%I:%M:%S %p", t),
            'R' => Format("%H:%M", t),
            's' => new DateTimeOffset(DateTime.SpecifyKind(t, DateTimeKind.Utc)).ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture),
            'S' => Number(t.Second, 2),
            't' => "\t",
            'T' or 'X' => Format("%H:%M:%S", t),
            'u' => Number(weekday == 0 ? 7 : weekday, 1),
            'U' => Number((t.DayOfYear + 6 - weekday) / 7, 2),
            'V' => Number(ISOWeek.GetWeekOfYear(t), 2),
            'w' => Number(weekday, 1),
            'W' => Number((t.DayOfYear + 6 - ((weekday + 6) % 7)) / 7, 2),
            'y' => Number(t.Year % 100, 2),
            'Y' => Number(t.Year, 1),
            'z' or 'Z' => "",
            '%' => "%",
            _ => throw new TemplateException(TemplateErrorKind.Value, $"strftime_now: unknown directive %{directive}"),
        };
    }
}
