using System.Text.Json;
using KernelTune.Conformance.Checks;

namespace KernelTune.Conformance.Families;

/// <summary>The checks of the page of ops/: absolute, or entry by entry where values range widely.</summary>
internal sealed class OpCheck(string device, bool elementwise, JsonElement errors)
{
    // Results below the smallest normal float may be flushed to zero.
    private const double Tiny = 1.2e-38;
    private readonly GoldenCheck check = new(device, FloatError.ReadAll(errors));

    public void Fail(string what) => check.Fail(what);

    public Finding Finding() => check.Finding();

    /// <summary>Holds "out.…" or "grad.…" to its expected values; infinities and NaN must be the same after rounding to float.</summary>
    public void Tensor(string name, ReadOnlySpan<float> ours, ReadOnlySpan<int> shape, GoldenTensor expected)
    {
        if (!elementwise)
        {
            check.Tensor(name, ours, shape, expected);
            return;
        }
        if (!shape.SequenceEqual(expected.Shape.ToArray()))
        {
            Fail($"{name} is [{string.Join(", ", shape.ToArray())}], wanted [{string.Join(", ", expected.Shape)}]");
            return;
        }
        var values = new double[ours.Length];
        for (int i = 0; i < values.Length; i++)
            values[i] = ours[i];
        double beyond = errors.TryGetProperty(name, out var e) && e.TryGetProperty("beyond", out var b) ? b.GetDouble() : 0;
        if (device == "reference")
            check.Within(name, values, expected.Doubles(), 1e-6, Tiny);
        else
            check.Within(name, values, expected.Doubles(), 4e-6, (4 * beyond) + Tiny);
    }

    /// <summary>Integers must be equal.</summary>
    public void Exact(string name, ReadOnlySpan<long> ours, ReadOnlySpan<long> expected) => check.Exact(name, ours, expected);

    /// <summary>A list of numbers that no tensor of ours holds.</summary>
    public void Numbers(string name, ReadOnlySpan<double> ours, ReadOnlySpan<int> shape, GoldenTensor expected)
    {
        var values = new float[ours.Length];
        for (int i = 0; i < values.Length; i++)
            values[i] = (float)ours[i];
        Tensor(name, values, shape, expected);
    }
}
