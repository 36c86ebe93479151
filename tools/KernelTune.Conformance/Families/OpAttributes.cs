using System.Text.Json;

namespace KernelTune.Conformance.Families;

/// <summary>A case's attributes by name and type.</summary>
internal static class OpAttributes
{
    public static int Int(this OpRun run, string name) => run.Attributes.GetProperty(name).GetInt32();

    public static int? IntOrNull(this OpRun run, string name) => Find(run, name) is { } e ? e.GetInt32() : null;

    public static double Number(this OpRun run, string name) => run.Attributes.GetProperty(name).GetDouble();

    public static double NumberOr(this OpRun run, string name, double absent) => Find(run, name) is { } e ? e.GetDouble() : absent;

    public static double? NumberOrNull(this OpRun run, string name) => Find(run, name) is { } e ? e.GetDouble() : null;

    /// <summary>A list of numbers; empty where it is absent.</summary>
    public static double[] NumbersOrNone(this OpRun run, string name) => Find(run, name) is { } e ? [.. e.EnumerateArray().Select(n => n.GetDouble())] : [];

    public static bool Flag(this OpRun run, string name) => Find(run, name) is { } e && e.GetBoolean();

    public static string? TextOrNull(this OpRun run, string name) => Find(run, name)?.GetString();

    public static int[] Ints(this OpRun run, string name) => [.. run.Attributes.GetProperty(name).EnumerateArray().Select(e => e.GetInt32())];

    public static int[]? IntsOrNull(this OpRun run, string name) => Find(run, name) is null ? null : run.Ints(name);

    private static JsonElement? Find(OpRun run, string name) =>
        run.Attributes.TryGetProperty(name, out var e) && e.ValueKind != JsonValueKind.Null ? e : null;
}
