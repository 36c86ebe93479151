using System.Text.Json;
using System.Text.Json.Nodes;

namespace KernelTune.Conformance.Families;

/// <summary>metrics/: figures that published scripts give for texts, tags and log-probabilities.</summary>
public sealed class MetricsFamily : IFamily
{
    public string Name => "metrics";

    public bool UsesDevice => false;

    public IEnumerable<string> Cases(string folder) =>
        Directory.EnumerateFiles(folder, "*.json").Select(f => Path.GetFileNameWithoutExtension(f)!).Order(StringComparer.Ordinal);

    public IEnumerable<Finding> Run(string folder, string name, string device)
    {
        using JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, name + ".json")));
        int count = 0, failed = 0;
        string first = "";
        var unknown = new SortedSet<string>(StringComparer.Ordinal);
        foreach (JsonElement one in json.RootElement.GetProperty("cases").EnumerateArray())
        {
            string metric = one.GetProperty("metric").GetString()!;
            JsonNode? got;
            try
            {
                got = TextMetricCases.Compute(metric, one.GetProperty("inputs"), one.GetProperty("settings"));
            }
            catch (NotSupportedException e)
            {
                unknown.Add(e.Message);
                continue;
            }

            using JsonDocument ours = JsonDocument.Parse(got.ToJsonString());
            if (Difference(ours.RootElement, one.GetProperty("expected"), "") is { } difference && failed++ == 0) first = $"case {count} ({metric}): {difference}";
            count++;
        }

        if (failed > 0) return [new Finding("", Outcome.Fail, $"{failed} of {count} cases differ; {first}")];
        if (unknown.Count > 0) return [new Finding("", Outcome.Unsupported, string.Join("; ", unknown))];
        return [count > 0 ? new Finding("", Outcome.Pass, $"{count} cases") : new Finding("", Outcome.Fail, "there are no cases")];
    }

    /// <summary>What differs: numbers beyond 1e-9 relative, all else at all. Members that are not wanted may be there.</summary>
    private static string? Difference(JsonElement got, JsonElement wanted, string path)
    {
        switch (wanted.ValueKind)
        {
            case JsonValueKind.Object:
                return wanted.EnumerateObject().Select(m => got.ValueKind == JsonValueKind.Object && got.TryGetProperty(m.Name, out JsonElement own) ? Difference(own, m.Value, $"{path}.{m.Name}") : $"{path}.{m.Name} is absent")
                    .FirstOrDefault(d => d is not null);
            case JsonValueKind.Array when got.ValueKind == JsonValueKind.Array && got.GetArrayLength() == wanted.GetArrayLength():
                return wanted.EnumerateArray().Zip(got.EnumerateArray()).Select((p, i) => Difference(p.Second, p.First, $"{path}[{i}]")).FirstOrDefault(d => d is not null);
            case JsonValueKind.Number when got.ValueKind == JsonValueKind.Number:
                double a = got.GetDouble(), b = wanted.GetDouble();
                return Math.Abs(a - b) <= 1e-9 * Math.Max(1e-3, Math.Abs(b)) ? null : $"{path} is {got.GetRawText()}, wanted {wanted.GetRawText()}";
            default:
                return got.ValueKind == wanted.ValueKind && got.ToString() == wanted.ToString() ? null : $"{path} is {Shown(got)}, wanted {Shown(wanted)}";
        }
    }

    private static string Shown(JsonElement e) => e.GetRawText() is { Length: > 200 } raw ? raw[..200] + "…" : e.GetRawText();
}
