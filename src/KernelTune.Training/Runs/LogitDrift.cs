namespace KernelTune.Training.Runs;

/// <summary>What rounding merged weights did to the logits of probe texts.</summary>
/// <param name="Most">The greatest absolute difference.</param>
/// <param name="Mean">The mean absolute difference.</param>
/// <param name="Positions">Positions compared.</param>
/// <param name="SameToken">Positions where the likeliest token is still the same.</param>
/// <param name="Divergence">KL(before ‖ after) of the next token in nats, the mean over positions (Kullback and Leibler, 1951).</param>
public readonly record struct LogitDrift(double Most, double Mean, int Positions, int SameToken, double Divergence)
{
    /// <summary>Compares logits [tokens, vocabulary], sequence by sequence.</summary>
    public static LogitDrift Between(IReadOnlyList<float[]> before, IReadOnlyList<float[]> after, int vocabulary)
    {
        double most = 0, sum = 0, divergence = 0;
        int same = 0, positions = 0;
        long elements = 0;
        for (int sequence = 0; sequence < before.Count; sequence++)
        {
            for (int at = 0; at < before[sequence].Length; at += vocabulary)
            {
                ReadOnlySpan<float> a = before[sequence].AsSpan(at, vocabulary), b = after[sequence].AsSpan(at, vocabulary);
                for (int i = 0; i < vocabulary; i++)
                {
                    double difference = Math.Abs((double)a[i] - b[i]);
                    most = Math.Max(most, difference);
                    sum += difference;
                }
                double logA = LogSum(a), logB = LogSum(b);
                for (int i = 0; i < vocabulary; i++)
                    divergence += Math.Exp(a[i] - logA) * (a[i] - logA - (b[i] - logB));
                same += Greatest(a) == Greatest(b) ? 1 : 0;
                positions++;
                elements += vocabulary;
            }
        }
        return new LogitDrift(most, sum / elements, positions, same, divergence / positions);
    }

    private static double LogSum(ReadOnlySpan<float> row)
    {
        double greatest = row[Greatest(row)], sum = 0;
        foreach (float x in row)
            sum += Math.Exp(x - greatest);
        return greatest + Math.Log(sum);
    }

    private static int Greatest(ReadOnlySpan<float> row)
    {
        int best = 0;
        for (int i = 1; i < row.Length; i++)
        {
            if (row[i] > row[best])
                best = i;
        }
        return best;
    }
}
