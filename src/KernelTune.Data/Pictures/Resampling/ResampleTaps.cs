namespace KernelTune.Data.Pictures;

/// <summary>
/// The weights of one axis in 22-bit fixed point: output cell i is the sum over k below Counts[i] of source cell Starts[i] + k times Weights[i · Widest + k].
/// With s the source's cells per output cell, the centre of cell i lies at begin + (i + ½)·s and the filter is stretched by max(s, 1).
/// </summary>
internal sealed class ResampleTaps
{
    /// <summary>Fraction bits of a weight: eight bits of sample and two for weights beyond 1 and for overshoot leave 22 of 32.</summary>
    public const int FractionBits = 22;

    private ResampleTaps(int[] starts, int[] counts, int[] weights, int widest) => (Starts, Counts, Weights, Widest) = (starts, counts, weights, widest);

    public int[] Starts { get; }

    public int[] Counts { get; }

    public int[] Weights { get; }

    /// <summary>The most taps that a cell can have.</summary>
    public int Widest { get; }

    /// <summary>The first source cell that is looked at.</summary>
    public int First => Starts[0];

    /// <summary>One past the last source cell that is looked at.</summary>
    public int End => Starts[^1] + Counts[^1];

    /// <param name="filter">Any but Nearest.</param>
    /// <param name="cells">Cells of the source.</param>
    /// <param name="begin">Where the part of the source that is resized begins; single precision, as Pillow keeps a box.</param>
    /// <param name="end">Where it ends.</param>
    /// <param name="output">Cells of the output.</param>
    /// <exception cref="ArgumentOutOfRangeException">More weights than an array holds.</exception>
    public static ResampleTaps Of(ResampleFilter filter, int cells, float begin, float end, int output)
    {
        double step = (double)(end - begin) / output, stretch = Math.Max(step, 1), support = ResampleWeights.Support(filter) * stretch;
        long most = ((long)Math.Ceiling(support) * 2) + 1;
        if (most * output > Array.MaxLength) throw new ArgumentOutOfRangeException(nameof(output), $"{output} cells of {most} weights each were asked for, at most {Array.MaxLength} weights wanted");
        int widest = (int)most;
        var (starts, counts, weights) = (new int[output], new int[output], new int[output * widest]);
        var real = new double[widest];
        for (int i = 0; i < output; i++)
        {
            double centre = begin + ((i + 0.5) * step), inverse = 1 / stretch, sum = 0;
            int first = Math.Max((int)(centre - support + 0.5), 0);
            int count = Math.Min((int)(centre + support + 0.5), cells) - first;
            for (int k = 0; k < count; k++)
            {
                real[k] = ResampleWeights.At(filter, (k + first - centre + 0.5) * inverse);
                sum += real[k];
            }

            (starts[i], counts[i]) = (first, count);
            for (int k = 0; k < count; k++)
            {
                double weight = sum != 0 ? real[k] / sum : real[k];
                weights[(i * widest) + k] = (int)((weight * (1 << FractionBits)) + (weight < 0 ? -0.5 : 0.5));       // half away from zero
            }
        }

        return new ResampleTaps(starts, counts, weights, widest);
    }
}
