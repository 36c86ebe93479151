namespace KernelTune.Evaluation.Generation;

/// <summary>The highest of many scores with their places, best first; of equal ones the first comes first. −∞ never takes part. Its memory is kept from call to call.</summary>
internal sealed class TopScores(int most)
{
    private readonly double[] scores = new double[most];
    private readonly int[] places = new int[most];

    /// <summary>How many there are.</summary>
    public int Count { get; private set; }

    public double Score(int i) => scores[i];

    public int Place(int i) => places[i];

    public void Clear() => Count = 0;

    /// <summary>Offers the scores [n], each greater by <paramref name="added"/>; the first stands at <paramref name="firstPlace"/>.</summary>
    /// <exception cref="GenerationException">A score is NaN.</exception>
    public void Offer(ReadOnlySpan<float> offered, double added = 0, int firstPlace = 0)
    {
        for (int i = 0; i < offered.Length; i++)
        {
            double score = offered[i] + added;
            if (score <= Least)
                continue;
            if (double.IsNaN(score))
                throw Sampler.NotANumber(i);
            Insert(score, firstPlace + i);
        }
    }

    /// <summary>Offers one score, which is a number.</summary>
    public void Offer(double score, int place)
    {
        if (score > Least)
            Insert(score, place);
    }

    private double Least => Count == scores.Length ? scores[^1] : double.NegativeInfinity;

    private void Insert(double score, int place)
    {
        int at = Count < scores.Length ? Count++ : Count - 1;
        for (; at > 0 && scores[at - 1] < score; at--)
            (scores[at], places[at]) = (scores[at - 1], places[at - 1]);
        (scores[at], places[at]) = (score, place);
    }
}
