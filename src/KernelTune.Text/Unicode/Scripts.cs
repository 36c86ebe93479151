using System.Collections.Frozen;

namespace KernelTune.Text.Unicode;

/// <summary>The script of a code point (UAX #24).</summary>
internal static class Scripts
{
    private static readonly Lazy<RangeTable> Table = new(() => RangeTable.Read("UnicodeScripts.txt"));

    private static readonly Lazy<FrozenDictionary<string, string>> ByName =
        new(() => Table.Value.Names.ToFrozenDictionary(n => n.Replace("_", "", StringComparison.Ordinal).ToLowerInvariant()));

    /// <summary>The script's name, such as "Han"; null for a code point that has none.</summary>
    public static string? Of(int c) => Table.Value.Find(c);

    /// <summary>The script that is called so, letters only and in lower case; null if there is none.</summary>
    public static string? Named(string loose) => ByName.Value.GetValueOrDefault(loose);
}
