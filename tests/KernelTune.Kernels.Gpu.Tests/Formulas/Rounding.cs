using System.Text.RegularExpressions;

namespace KernelTune.Kernels.Gpu.Tests.Formulas;

/// <summary>Reads PTX for instructions whose result is not the correctly rounded one, or which ptxas may fuse into one that rounds once where two were asked for.</summary>
internal static partial class Rounding
{
    /// <summary>The lines that fault; ptxas fuses only a product without .rn with a sum without it.</summary>
    public static IReadOnlyList<string> Faults(string ptx)
    {
        string[] lines = [.. ptx.Split('\n').Select(l => l.Trim())];
        return
        [
            .. lines.Where(l => l.Contains(".approx", StringComparison.Ordinal) || l.Contains(".ftz", StringComparison.Ordinal)),
            .. lines.Where(l => UnmarkedSingle().IsMatch(l)),
            .. lines.Where(l => UnmarkedDoubleProduct().IsMatch(l)),
        ];
    }

    [GeneratedRegex(@"^(@!?%p\d+\s+)?(add|sub|mul|mad|fma|div|sqrt|rcp)\.(?!rn\.)(\w+\.)*f32\b", RegexOptions.CultureInvariant)]
    private static partial Regex UnmarkedSingle();

    [GeneratedRegex(@"^(@!?%p\d+\s+)?(mul|mad|fma|div|sqrt|rcp)\.(?!rn\.)(\w+\.)*f64\b", RegexOptions.CultureInvariant)]
    private static partial Regex UnmarkedDoubleProduct();
}
