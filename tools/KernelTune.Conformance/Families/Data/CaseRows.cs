using System.Text.Json;
using KernelTune.Data;

namespace KernelTune.Conformance.Families;

/// <summary>A case's examples as the rows of a file, read as any user's.</summary>
internal static class CaseRows
{
    public static T[] Read<T>(IEnumerable<JsonElement> rows)
        where T : Example
    {
        string file = Path.Combine(Path.GetTempPath(), $"kerneltune-{Guid.NewGuid():N}.jsonl");
        try
        {
            File.WriteAllLines(file, rows.Select(OneLine));
            return [.. ExampleFile.Read(file, new ReadOptions(), new ReadAccount()).Cast<T>()];
        }
        finally
        {
            File.Delete(file);
        }
    }

    /// <summary>The JSON of a row on one line: what the goldens spread over several is the same value.</summary>
    private static string OneLine(JsonElement row)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream)) row.WriteTo(writer);
        return System.Text.Encoding.UTF8.GetString(stream.ToArray());
    }
}
