using ILGPU;

namespace KernelTune.Kernels.Gpu;

/// <summary>The operands of <see cref="RotaryTableKernel{T}"/>: cos and sin [n, half] of position[i]·frequency[j], times Scaling.</summary>
public struct RotaryTableArgs<T>
    where T : unmanaged
{
    public ArrayView<long> Positions;
    public ArrayView<double> Frequencies;
    public ArrayView<T> Cos, Sin;
    public long StartPositions, StepPositions, StartFrequencies, StepFrequencies, StartCos, RowCos, StepCos, StartSin, RowSin, StepSin;
    public uint Count, Half;
    public double Scaling;
}

/// <summary>
/// Cosines and sines in double, from their Taylor series on [−π/4, π/4]: no accelerator has them in double without a library of its vendor. Angles of up to 10⁶
/// lose nothing that a float could show.
/// </summary>
public readonly struct RotaryTableKernel<T> : IGpuKernel<RotaryTableArgs<T>>
    where T : unmanaged, IStored<T>
{
    public static void Run(RotaryTableArgs<T> args)
    {
        for (uint e = GridWalk.First; e < args.Count; e += GridWalk.Stride)
        {
            uint i = e / args.Half, j = e - (i * args.Half);
            double angle = args.Positions[args.StartPositions + (i * args.StepPositions)] * args.Frequencies[args.StartFrequencies + (j * args.StepFrequencies)];
            SineAndCosine(angle, out double sine, out double cosine);
            args.Cos[args.StartCos + (i * args.RowCos) + (j * args.StepCos)] = T.FromDouble(args.Scaling * cosine);
            args.Sin[args.StartSin + (i * args.RowSin) + (j * args.StepSin)] = T.FromDouble(args.Scaling * sine);
        }
    }

    private static void SineAndCosine(double angle, out double sine, out double cosine)
    {
        // π/2 in three parts, the first two of 33 bits: their products with a quarter count are exact.
        const double First = 1.57079632673412561417e+00, Second = 6.07710050630396597660e-11, Third = 2.02226624879595063154e-21;
        double turned = angle * 0.63661977236758134308;
        long quarter = (long)(turned + (turned < 0 ? -0.5 : 0.5));
        double n = quarter;
        double r = ((angle - (n * First)) - (n * Second)) - (n * Third);
        double q = r * r;
        double s = r + (r * q * (-1.0 / 6 + (q * (1.0 / 120 + (q * (-1.0 / 5040 + (q * (1.0 / 362880 + (q * (-1.0 / 39916800 + (q * (1.0 / 6227020800))))))))))));
        double c = 1 + (q * (-0.5 + (q * (1.0 / 24 + (q * (-1.0 / 720 + (q * (1.0 / 40320 + (q * (-1.0 / 3628800 + (q * (1.0 / 479001600))))))))))));
        bool swapped = (quarter & 1) != 0, negativeSine = (quarter & 2) != 0, negativeCosine = ((quarter + 1) & 2) != 0;
        double first = swapped ? c : s, second = swapped ? s : c;
        sine = negativeSine ? -first : first;
        cosine = negativeCosine ? -second : second;
    }
}
