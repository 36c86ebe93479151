using System.Text.Json;

namespace KernelTune.Conformance.Families;

/// <summary>The settings, all of which must be asked for by name.</summary>
internal sealed class Settings(JsonElement json)
{
    public static Settings Of(JsonElement one) => new(one.TryGetProperty("settings", out JsonElement s) ? s : default);

    private readonly HashSet<string> _asked = new(StringComparer.Ordinal);

    public JsonElement? Find(string name)
    {
        _asked.Add(name);
        return json.ValueKind == JsonValueKind.Object && json.TryGetProperty(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;
    }

    public bool Flag(string name, bool absent = false) => Find(name)?.GetBoolean() ?? absent;

    public int? Number(string name) => Find(name)?.GetInt32();

    public double? Real(string name) => Find(name)?.GetDouble();

    public string? Word(string name) => Find(name)?.GetString();

    public void RefuseOthers()
    {
        if (json.ValueKind != JsonValueKind.Object) return;
        string? other = json.EnumerateObject().Select(p => p.Name).FirstOrDefault(n => !_asked.Contains(n));
        if (other is not null) throw new NotSupportedException($"setting {other}");
    }
}
