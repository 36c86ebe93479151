using System.Text.RegularExpressions;

namespace KernelTune.Evaluation.Metrics.Text;

/// <summary>Word or character error rate (Levenshtein, 1966) of one text or of many, as jiwer computes them.</summary>
/// <param name="Hits">Words that are right.</param>
/// <param name="Substitutions">Words in place of others.</param>
/// <param name="Deletions">Words that are missing.</param>
/// <param name="Insertions">Words too many.</param>
public readonly partial record struct ErrorRate(int Hits, int Substitutions, int Deletions, int Insertions)
{
    /// <summary>Errors over the reference's length; above 1 where much is inserted, ∞ where the reference is empty and the hypothesis is not, NaN where both are.</summary>
    public double Rate => (double)Errors / (Hits + Substitutions + Deletions);

    /// <summary>Match error rate: errors over all pairs of the alignment; NaN where there is none.</summary>
    public double MatchErrorRate => (double)Errors / (Hits + Errors);

    /// <summary>Word information preserved: the share of right words in the reference times that in the hypothesis.</summary>
    public double InformationPreserved => Hits + Substitutions + Insertions == 0 ? 0 : (double)Hits / (Hits + Substitutions + Deletions) * ((double)Hits / (Hits + Substitutions + Insertions));

    /// <summary>Word information lost: 1 − preserved.</summary>
    public double InformationLost => 1 - InformationPreserved;

    private int Errors => Substitutions + Deletions + Insertions;

    /// <summary>Both counts added up: the rate of a corpus is that of its sum.</summary>
    public static ErrorRate operator +(ErrorRate a, ErrorRate b) => new(a.Hits + b.Hits, a.Substitutions + b.Substitutions, a.Deletions + b.Deletions, a.Insertions + b.Insertions);

    /// <summary>Both counts added up.</summary>
    public static ErrorRate Add(ErrorRate left, ErrorRate right) => left + right;

    /// <summary>By words: what stands between spaces, runs of white space counting as one.</summary>
    public static ErrorRate OfWords(string reference, string hypothesis)
    {
        ArgumentNullException.ThrowIfNull(reference);
        ArgumentNullException.ThrowIfNull(hypothesis);
        return Of(Cut(reference), Cut(hypothesis));
    }

    /// <summary>By code points, spaces included, those at the ends apart.</summary>
    public static ErrorRate OfCharacters(string reference, string hypothesis)
    {
        ArgumentNullException.ThrowIfNull(reference);
        ArgumentNullException.ThrowIfNull(hypothesis);
        return Of(Words.CodePoints(reference.Trim()), Words.CodePoints(hypothesis.Trim()));
    }

    private static string[] Cut(string text) => Spaces().Replace(text, " ").Trim().Split(' ', StringSplitOptions.RemoveEmptyEntries);

    [GeneratedRegex(@"\s\s+", RegexOptions.CultureInvariant)]
    private static partial Regex Spaces();

    /// <summary>The shortest edit; of several the one that, from the end, deletes before it inserts before it substitutes.</summary>
    private static ErrorRate Of(string[] reference, string[] hypothesis)
    {
        int begin = reference.AsSpan().CommonPrefixLength(hypothesis), end = 0;
        while (end < Math.Min(reference.Length, hypothesis.Length) - begin && reference[^(end + 1)] == hypothesis[^(end + 1)]) end++;
        int rows = reference.Length - begin - end, columns = hypothesis.Length - begin - end;
        int[,] cost = new int[rows + 1, columns + 1];
        for (int i = 0; i <= rows; i++)
        {
            for (int j = 0; j <= columns; j++)
            {
                cost[i, j] = i == 0 || j == 0 ? i + j
                    : Math.Min(cost[i - 1, j - 1] + (Same(i, j) ? 0 : 1), Math.Min(cost[i - 1, j], cost[i, j - 1]) + 1);
            }
        }

        int hits = begin + end, substitutions = 0, deletions = 0, insertions = 0, row = rows, column = columns;
        while (row > 0 && column > 0)
        {
            if (cost[row, column] == cost[row - 1, column] + 1)
            {
                deletions++;
                row--;
            }
            else if (column > 1 && cost[row, column - 1] == cost[row - 1, column - 1] - 1)
            {
                insertions++;
                column--;
            }
            else
            {
                if (Same(row, column)) hits++;
                else substitutions++;
                row--;
                column--;
            }
        }

        return new ErrorRate(hits, substitutions, deletions + row, insertions + column);

        bool Same(int i, int j) => reference[begin + i - 1] == hypothesis[begin + j - 1];
    }
}
