namespace KernelTune.Evaluation.Metrics.Text;

/// <summary>How tags mark entities.</summary>
public enum TagScheme
{
    /// <summary>As conlleval reads any of the schemes: an I- after another type or after O begins an entity.</summary>
    Conll,

    /// <summary>B- begins, I- goes on; what does not begin with B- is none.</summary>
    Iob2,

    /// <summary>B- … E-, or S- alone; what is not closed is none.</summary>
    Iobes,

    /// <summary>B- … L-, or U- alone; what is not closed is none.</summary>
    Bilou,
}

/// <summary>A run of tokens of one type; the end is the last token.</summary>
public readonly record struct Entity(string Type, int Start, int End);

/// <summary>How well one type was found.</summary>
/// <param name="Found">Precision and recall.</param>
/// <param name="Support">How many there are.</param>
public readonly record struct TypeScore(PrecisionRecall Found, int Support);

/// <summary>Precision, recall and F1 of entities, which count only if both ends and the type are right (Tjong Kim Sang and De Meulder, 2003), as seqeval computes them.</summary>
public sealed class EntityScores
{
    private readonly int right;
    private readonly int found;
    private readonly int real;

    /// <param name="expected">A list of tags a sentence.</param>
    /// <param name="predicted">The same sentences, tagged by a model.</param>
    /// <param name="scheme">How tags mark entities.</param>
    /// <exception cref="ArgumentException">Sentences are not equally many or equally long, or a tag is empty.</exception>
    public EntityScores(IReadOnlyList<IReadOnlyList<string>> expected, IReadOnlyList<IReadOnlyList<string>> predicted, TagScheme scheme = TagScheme.Conll)
    {
        ArgumentNullException.ThrowIfNull(expected);
        ArgumentNullException.ThrowIfNull(predicted);
        if (expected.Count != predicted.Count) throw new ArgumentException($"{predicted.Count} sentences stand beside {expected.Count}", nameof(predicted));
        for (int s = 0; s < expected.Count; s++)
            if (expected[s].Count != predicted[s].Count) throw new ArgumentException($"sentence {s} has {predicted[s].Count} tags, {expected[s].Count} are wanted", nameof(predicted));
        var wanted = expected.SelectMany((tags, s) => Find(tags, scheme).Select(e => (s, e))).ToHashSet();
        var got = predicted.SelectMany((tags, s) => Find(tags, scheme).Select(e => (s, e))).ToHashSet();
        (right, found, real) = (wanted.Count(got.Contains), got.Count, wanted.Count);
        ByType = new SortedDictionary<string, TypeScore>(wanted.Concat(got).Select(e => e.e.Type).Distinct().ToDictionary(t => t, t =>
        {
            int Of(IEnumerable<(int, Entity E)> set) => set.Count(e => e.E.Type == t);
            return new TypeScore(Share(Of(wanted.Where(got.Contains)), Of(got), Of(wanted)), Of(wanted));
        }), StringComparer.Ordinal);
        var pairs = expected.SelectMany(t => t).Zip(predicted.SelectMany(t => t), (a, b) => a == b).ToList();
        TokenAccuracy = pairs.Count(p => p) / (double)pairs.Count;
    }

    /// <summary>Each type that occurs or was found.</summary>
    public IReadOnlyDictionary<string, TypeScore> ByType { get; }

    /// <summary>The share of tags that are right; NaN where there is none.</summary>
    public double TokenAccuracy { get; }

    /// <summary>How many entities there are.</summary>
    public int Support => real;

    /// <summary>Of all entities together.</summary>
    public PrecisionRecall Micro => Share(right, found, real);

    /// <summary>The means over types of precision, recall and F1.</summary>
    public (double Precision, double Recall, double F1) Macro => Mean(_ => 1);

    /// <summary>The same means, types weighing as often as they occur.</summary>
    public (double Precision, double Recall, double F1) Weighted => Mean(t => t.Support);

    /// <summary>The entities of one sentence.</summary>
    /// <exception cref="ArgumentException">A tag is empty: which.</exception>
    public static IReadOnlyList<Entity> Find(IReadOnlyList<string> tags, TagScheme scheme = TagScheme.Conll)
    {
        ArgumentNullException.ThrowIfNull(tags);
        for (int i = 0; i < tags.Count; i++)
            if (string.IsNullOrEmpty(tags[i])) throw new ArgumentException($"tag {i} is empty", nameof(tags));
        return scheme == TagScheme.Conll ? Conll(tags) : Strict(tags, scheme);
    }

    private (double, double, double) Mean(Func<TypeScore, double> weight)
    {
        double whole = ByType.Values.Sum(weight);
        if (whole == 0) return (0, 0, 0);
        return (ByType.Values.Sum(t => weight(t) * t.Found.Precision) / whole, ByType.Values.Sum(t => weight(t) * t.Found.Recall) / whole, ByType.Values.Sum(t => weight(t) * t.Found.F1) / whole);
    }

    private static PrecisionRecall Share(int right, int found, int real) => new(found == 0 ? 0 : (double)right / found, real == 0 ? 0 : (double)right / real);

    private static (char Mark, string Type) Split(string tag)
    {
        string rest = tag[1..];
        int dash = rest.IndexOf('-', StringComparison.Ordinal);
        string type = dash >= 0 ? rest[(dash + 1)..] : rest;
        return (tag[0], type.Length == 0 ? "_" : type);
    }

    private static List<Entity> Conll(IReadOnlyList<string> tags)
    {
        var entities = new List<Entity>();
        var (mark, type) = ('O', "");
        int begin = 0;
        for (int i = 0; i <= tags.Count; i++)
        {
            var (next, nextType) = Split(i < tags.Count ? tags[i] : "O");
            bool differs = type != nextType;
            bool ends = mark is 'E' or 'S' || (mark is 'B' or 'I') && (next is 'B' or 'S' or 'O') || mark is not ('O' or '.') && differs;
            bool begins = next is 'B' or 'S' || (mark is 'E' or 'S' or 'O') && (next is 'E' or 'I') || next is not ('O' or '.') && differs;
            if (ends) entities.Add(new Entity(type, begin, i - 1));
            if (begins) begin = i;
            (mark, type) = (next, nextType);
        }

        return entities;
    }

    private static List<Entity> Strict(IReadOnlyList<string> tags, TagScheme scheme)
    {
        var (last, single) = scheme switch { TagScheme.Iobes => ('E', 'S'), TagScheme.Bilou => ('L', 'U'), _ => ('\0', '\0') };
        var entities = new List<Entity>();
        for (int i = 0; i < tags.Count;)
        {
            var (mark, type) = Split(tags[i]);
            if (mark != 'B' && mark != single)
            {
                i++;
                continue;
            }

            int end = i + 1;
            char before = mark;
            while (end < tags.Count && (before is 'B' or 'I') && GoesOn(tags[end]))
            {
                before = tags[end][0];
                end++;
            }

            if (last == '\0' || before == last || before == single) entities.Add(new Entity(type, i, end - 1));
            i = end;

            bool GoesOn(string tag) => Split(tag) is var (m, t) && t == type && (m == 'I' || m == last);
        }

        return entities;
    }
}
