using System.Globalization;
using System.Numerics;

namespace KernelTune.Conformance.Checks;

/// <summary>Compares what a device computed with a case's expected values, by the rules common to all families, and keeps the worst of it.</summary>
/// <param name="device">"reference" is held to the double-precision rule, every other device to the float32 rule.</param>
/// <param name="errors">The case's <c>float32_error</c>; each element of a tensor that it lacks is held to its own size.</param>
public sealed class GoldenCheck(string device, IReadOnlyDictionary<string, FloatError> errors)
{
    private readonly List<string> failures = [];
    private readonly bool reference = device == "reference";
    private double worstShare = -1;
    private string worst = "";
    private int compared;

    /// <summary>Whether nothing has failed so far.</summary>
    public bool Passes => failures.Count == 0;

    /// <summary>Holds a tensor to the common rule.</summary>
    /// <param name="name">Its name in <c>float32_error</c>.</param>
    /// <param name="ours">Our values, in the order of the expected ones.</param>
    /// <param name="expected">The stored values.</param>
    /// <param name="counted">Which elements are compared; empty: all of them.</param>
    public void Tensor<T>(string name, ReadOnlySpan<T> ours, GoldenTensor expected, ReadOnlySpan<bool> counted = default)
        where T : struct, INumberBase<T>
        => Values(name, ours, expected.Doubles(), e => e.Allowed(reference), counted);

    /// <summary>Holds a tensor to the common rule, its shape included.</summary>
    public void Tensor<T>(string name, ReadOnlySpan<T> ours, ReadOnlySpan<int> shape, GoldenTensor expected, ReadOnlySpan<bool> counted = default)
        where T : struct, INumberBase<T>
    {
        if (!shape.SequenceEqual(expected.Shape.ToArray()))
            Fail($"{name} is [{string.Join(", ", shape.ToArray())}], wanted [{string.Join(", ", expected.Shape)}]");
        else
            Tensor(name, ours, expected, counted);
    }

    /// <summary>Holds numbers to the common rule.</summary>
    public void Numbers<T>(string name, ReadOnlySpan<T> ours, ReadOnlySpan<double> expected)
        where T : struct, INumberBase<T>
        => Values(name, ours, expected, e => e.Allowed(reference), default);

    /// <summary>Holds a loss curve, gradient norms or trained weights to the rule for trajectories.</summary>
    public void Trajectory<T>(string name, ReadOnlySpan<T> ours, ReadOnlySpan<double> expected)
        where T : struct, INumberBase<T>
        => Values(name, ours, expected, e => e.AllowedAlongTrajectory(reference), default);

    /// <summary>Holds numbers to a relative and an absolute tolerance of the case's own.</summary>
    public void Within(string name, ReadOnlySpan<double> ours, ReadOnlySpan<double> expected, double relative, double absolute)
    {
        if (!SameLength(name, ours.Length, expected.Length))
            return;
        for (int i = 0; i < ours.Length; i++)
            Note(name, i, ours[i], expected[i], absolute + (relative * Math.Abs(expected[i])));
        compared++;
    }

    /// <summary>Ids, masks and codes must be equal.</summary>
    public void Exact<T>(string name, ReadOnlySpan<T> ours, ReadOnlySpan<T> expected)
        where T : struct, IEquatable<T>
    {
        if (!SameLength(name, ours.Length, expected.Length))
            return;
        int at = ours.CommonPrefixLength(expected);
        if (at < ours.Length)
            Fail($"{name}[{at}] is {ours[at]}, wanted {expected[at]}");
        compared++;
    }

    /// <summary>
    /// 8-bit codes at the end of a trajectory. Rounding may put a number on the other side of a midpoint: its level then moves by at most the map's widest step, and stays off that far while the number
    /// shrinks. More than one code in fifty (or one in all) is a failure.
    /// </summary>
    public void Codes(string name, ReadOnlySpan<double> ours, ReadOnlySpan<long> expected, ReadOnlySpan<float> levels)
    {
        const double WidestStep = 0.9 / 64 * 1.001;
        if (!SameLength(name, ours.Length, expected.Length))
            return;
        int moved = 0;
        for (int i = 0; i < ours.Length; i++)
        {
            moved += (long)ours[i] == expected[i] ? 0 : 1;
            double level = levels[(int)ours[i]], wanted = levels[(int)expected[i]];
            if (!(Math.Abs(level - wanted) <= WidestStep))
                FailOnce(name, i, level, wanted, WidestStep);
        }

        if (moved > Math.Max(1, ours.Length / 50))
            Fail($"{name}: {moved} of {ours.Length} codes differ");
        compared++;
    }

    /// <summary>The tensors must have exactly these names.</summary>
    public void Names(string what, IEnumerable<string> ours, IEnumerable<string> expected)
    {
        HashSet<string> have = [.. ours], want = [.. expected];
        string[] missing = [.. want.Where(n => !have.Contains(n)).Order(StringComparer.Ordinal)];
        string[] extra = [.. have.Where(n => !want.Contains(n)).Order(StringComparer.Ordinal)];
        if (missing.Length > 0)
            Fail($"{what} lacks {missing.Length}: {missing[0]}");
        if (extra.Length > 0)
            Fail($"{what} has {extra.Length} too many: {extra[0]}");
        compared++;
    }

    /// <summary>Notes a failure of another kind.</summary>
    public void Fail(string what) => failures.Add(what);

    /// <summary>The line of the report: the first failures, or the worst tensor, its error and what was allowed.</summary>
    public Finding Finding(string part = "")
    {
        if (failures.Count > 0)
            return new Finding(part, Outcome.Fail, string.Join("; ", failures.Take(3)) + (failures.Count > 3 ? $"; and {failures.Count - 3} more" : ""));
        if (compared == 0)
            return new Finding(part, Outcome.Fail, "nothing was compared");
        return new Finding(part, Outcome.Pass, worst.Length > 0 ? $"worst {worst}" : $"{compared} exact");
    }

    private void Values<T>(string name, ReadOnlySpan<T> ours, ReadOnlySpan<double> expected, Func<FloatError, double> rule, ReadOnlySpan<bool> counted)
        where T : struct, INumberBase<T>
    {
        if (!SameLength(name, ours.Length, expected.Length))
            return;
        if (!counted.IsEmpty && counted.Length != expected.Length)
            throw new ArgumentException($"the mask of {name} has {counted.Length} elements, the tensor {expected.Length}", nameof(counted));
        double? allowed = errors.TryGetValue(name, out FloatError error) ? rule(error) : null;
        for (int i = 0; i < ours.Length; i++)
            if (counted.IsEmpty || counted[i])
                Note(name, i, double.CreateChecked(ours[i]), expected[i], allowed ?? rule(new FloatError(0, Math.Abs(expected[i]))));
        compared++;
    }

    private void Note(string name, int index, double ours, double expected, double allowed)
    {
        if (!double.IsFinite(expected) || !double.IsFinite(ours))
        {
            if (!ours.Equals(expected))      // infinities of one sign are equal, and so are NaN
                FailOnce(name, index, ours, expected, allowed);
            return;
        }

        double error = Math.Abs(ours - expected);
        double share = error == 0 ? 0 : error / allowed;
        if (share > worstShare)
        {
            worstShare = share;
            worst = string.Create(CultureInfo.InvariantCulture, $"{name}: error {error:0.0e+0}, allowed {allowed:0.0e+0}");
        }

        if (!(error <= allowed))
            FailOnce(name, index, ours, expected, allowed);
    }

    private string lastFailed = "";

    private void FailOnce(string name, int index, double ours, double expected, double allowed)
    {
        if (lastFailed == name)
            return;      // one line a tensor
        lastFailed = name;
        Fail(string.Create(CultureInfo.InvariantCulture, $"{name}[{index}] is {ours:R}, wanted {expected:R} ± {allowed:0.0e+0}"));
    }

    private bool SameLength(string name, int ours, int expected)
    {
        if (ours == expected)
            return true;
        Fail($"{name} has {ours} elements, wanted {expected}");
        return false;
    }
}
