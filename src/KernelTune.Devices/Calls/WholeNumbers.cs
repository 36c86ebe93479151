using KernelTune.Kernels.Numerics;

namespace KernelTune.Devices.Calls;

/// <summary>Places, classes and counts that are kept as real numbers, because formulas run over those alone.</summary>
public static class WholeNumbers
{
    /// <summary>Up to here every whole number is one of fp32: 2^24.</summary>
    public const long MostOfF32 = 1L << 24;

    /// <summary>Refuses whole numbers that a type would round to their neighbours.</summary>
    /// <param name="operation">Whose numbers they are.</param>
    /// <param name="most">The greatest of them.</param>
    /// <param name="type">What they are kept as.</param>
    /// <exception cref="ShapeException">fp32 does not hold them exactly.</exception>
    public static void Check(string operation, long most, DType type)
    {
        if (type == DType.F32 && most > MostOfF32)
            throw new ShapeException(operation, FormattableString.Invariant($"it numbers {most:N0} elements in fp32, which holds whole numbers to {MostOfF32:N0} exactly"));
    }
}
