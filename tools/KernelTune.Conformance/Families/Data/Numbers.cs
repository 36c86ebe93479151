using System.Text.Json;

namespace KernelTune.Conformance.Families;

/// <summary>Whole numbers of a case, and where ours differ from them.</summary>
internal static class Numbers
{
    public static int[] Ints(JsonElement list) => list.EnumerateArray().Select(e => e.GetInt32()).ToArray();

    public static int[][] Rows(JsonElement list) => list.EnumerateArray().Select(Ints).ToArray();

    public static string? Differ(string what, IEnumerable<int[]> ours, int[][] wanted)
    {
        int[][] rows = ours.ToArray();
        if (rows.Length != wanted.Length) return $"{what}: {rows.Length} rows, wanted {wanted.Length}";
        for (int r = 0; r < rows.Length; r++)
            if (Differ($"{what} row {r}", rows[r], wanted[r]) is { } wrong) return wrong;
        return null;
    }

    public static string? Differ(string what, int[] ours, int[] wanted)
    {
        int at = ours.AsSpan().CommonPrefixLength(wanted);
        if (at == ours.Length && at == wanted.Length) return null;
        string One(int[] values) => at < values.Length ? values[at].ToString(System.Globalization.CultureInfo.InvariantCulture) : "the end";
        return $"{what}: {One(ours)} at {at}, wanted {One(wanted)}";
    }
}
