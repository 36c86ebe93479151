using System.Globalization;

namespace KernelTune.Text.Unicode;

/// <summary>Ranges of code points with a name each, looked up by halving.</summary>
internal sealed class RangeTable
{
    private readonly int[] first;
    private readonly int[] last;
    private readonly string[] names;

    private RangeTable(List<(int First, int Last, string Name)> rows)
    {
        rows.Sort();
        first = [.. rows.Select(r => r.First)];
        last = [.. rows.Select(r => r.Last)];
        names = [.. rows.Select(r => r.Name)];
    }

    public IEnumerable<string> Names => names.Distinct();

    /// <summary>Reads an embedded table whose lines are FIRST LAST or FIRST LAST NAME.</summary>
    public static RangeTable Read(string resource)
    {
        int Hex(string s) => int.Parse(s, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        return new RangeTable([.. UnicodeResource.Lines(resource).Select(line => line.Split(' ')).Select(p => (Hex(p[0]), Hex(p[1]), p.Length > 2 ? p[2] : ""))]);
    }

    /// <summary>The name of the range that holds <paramref name="c"/>, or null.</summary>
    public string? Find(int c)
    {
        int i = Array.BinarySearch(first, c);
        if (i < 0) i = ~i - 1;
        return i >= 0 && c <= last[i] ? names[i] : null;
    }
}
