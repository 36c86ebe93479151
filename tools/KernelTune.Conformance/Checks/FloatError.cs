using System.Text.Json;

namespace KernelTune.Conformance.Checks;

/// <summary>How far the reference library itself strays in float32, and how large the tensor's values are.</summary>
/// <param name="MaxAbs">The largest absolute error of the library in float32.</param>
/// <param name="Scale">The largest absolute value (or what the case says stands for it).</param>
public readonly record struct FloatError(double MaxAbs, double Scale)
{
    /// <summary>Reads one entry of <c>float32_error</c>.</summary>
    public static FloatError Read(JsonElement entry) => new(entry.GetProperty("max_abs").GetDouble(), entry.GetProperty("scale").GetDouble());

    /// <summary>Reads all entries of <c>float32_error</c>.</summary>
    public static Dictionary<string, FloatError> ReadAll(JsonElement errors) =>
        errors.EnumerateObject().ToDictionary(p => p.Name, p => Read(p.Value), StringComparer.Ordinal);

    /// <summary>What a tensor's values may differ by: 4·max_abs + 2e-6·scale, on the double-precision device 1e-6·scale.</summary>
    public double Allowed(bool reference) => reference ? 1e-6 * Scale : (4 * MaxAbs) + (2e-6 * Scale);

    /// <summary>What a training curve's values may differ by: 10·max_abs + 1e-5·scale, on the double-precision device 1e-6·scale.</summary>
    public double AllowedAlongTrajectory(bool reference) => reference ? 1e-6 * Scale : (10 * MaxAbs) + (1e-5 * Scale);
}
