using System.Globalization;

namespace KernelTune.Data;

/// <summary>The examples numbered Start to End − 1, from 0, in the file's order; written <c>0:120</c>, <c>40:</c> or <c>:16</c>. End is more than Start; null for all that follow.</summary>
public readonly record struct ExampleRange(long Start, long? End)
{
    /// <summary>The range that "a:b", "a:" or ":b" spells; null where <paramref name="text"/> spells none.</summary>
    public static ExampleRange? Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        string[] parts = text.Split(':');
        return parts.Length == 2 && Number(parts[0], out long? start) && Number(parts[1], out long? end) && !(end <= (start ?? 0)) ? new ExampleRange(start ?? 0, end) : null;
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
