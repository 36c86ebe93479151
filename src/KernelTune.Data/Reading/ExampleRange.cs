using System.Globalization;

namespace KernelTune.Data;

/// <summary>The examples numbered Start to End − 1, from 0, in the file's order: <c>rows: a:b</c>. End is null for all that follow.</summary>
public readonly record struct ExampleRange(long Start, long? End)
{
    /// <summary>Reads "a:b", "a:" or ":b".</summary>
    /// <exception cref="FormatException">Another form, a negative number, or an end before the start.</exception>
    public static ExampleRange Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        string[] parts = text.Split(':');
        if (parts.Length != 2 || !Number(parts[0], out long? start) || !Number(parts[1], out long? end) || end < (start ?? 0))
            throw new FormatException($"rows: '{text}' was found, a:b wanted (two numbers, either may be left out, the first not greater)");
        return new ExampleRange(start ?? 0, end);
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Start}:{End}");

    private static bool Number(string text, out long? value)
    {
        value = null;
        text = text.Trim();
        if (text.Length == 0) return true;
        if (!long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long n)) return false;
        value = n;
        return true;
    }
}
