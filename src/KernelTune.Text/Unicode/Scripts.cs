using System.Collections.Frozen;
using System.Globalization;

namespace KernelTune.Text.Unicode;

/// <summary>The script of a code point (UAX #24).</summary>
internal static class Scripts
{
    private static readonly Lazy<Table> Data = new(Read);

    private sealed record Table(int[] First, int[] Last, string[] Names, FrozenDictionary<string, string> ByName);

    /// <summary>The script's name, such as "Han"; null for a code point that has none.</summary>
    public static string? Of(int c)
    {
        var t = Data.Value;
        int i = Array.BinarySearch(t.First, c);
        if (i < 0) i = ~i - 1;
        return i >= 0 && c <= t.Last[i] ? t.Names[i] : null;
    }

    /// <summary>The script that is called so, letters only and in lower case; null if there is none.</summary>
    public static string? Named(string loose) => Data.Value.ByName.GetValueOrDefault(loose);

    private static Table Read()
    {
        var rows = UnicodeResource.Lines("UnicodeScripts.txt").Select(line => line.Split(' ')).ToList();
        int Hex(string s) => int.Parse(s, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        var names = rows.Select(r => r[2]).ToArray();
        return new Table([.. rows.Select(r => Hex(r[0]))], [.. rows.Select(r => Hex(r[1]))], names,
            names.Distinct().ToFrozenDictionary(n => n.Replace("_", "", StringComparison.Ordinal).ToLowerInvariant()));
    }
}
