using KernelTune.Evaluation.Generation;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Evaluation.Tests.Generation;

/// <summary>Beam search over a model whose scores depend on the whole sequence, against all answers that there are.</summary>
public sealed class BeamSearchTests
{
    private const int Vocabulary = 4;
    private const int End = 3;

    /// <summary>Scores are a function of what a row has seen: rows that change places wrongly show at once.</summary>
    private sealed class Remembering(int context = 100) : INextLogits
    {
        private List<int[]> rows = [];

        public int VocabularySize => Vocabulary;

        public int ContextLength => context;

        public int? StartToken => null;

        public int Prompts { get; private set; }

        public static float[] Scores(int[] sequence) =>
            [.. Enumerable.Range(0, Vocabulary).Select(t => (StableHash.Site(string.Join(',', sequence) + "/" + t) % 1000) / 250f)];

        public ReadOnlySpan<float> Prefill(TokenBatch prompts, int copies = 1)
        {
            Prompts += prompts.Rows;
            int[][] given = [.. Enumerable.Range(0, prompts.Rows).Select(r => prompts.Prompt(r).ToArray())];
            rows = [.. given.SelectMany(p => Enumerable.Repeat(p, copies))];
            return given.SelectMany(Scores).ToArray();
        }

        public ReadOnlySpan<float> Step(ReadOnlySpan<int> tokens)
        {
            for (int row = 0; row < rows.Count; row++)
                rows[row] = [.. rows[row], tokens[row]];
            return rows.SelectMany(Scores).ToArray();
        }

        public void Reorder(ReadOnlySpan<int> order) => rows = [.. order.ToArray().Select(r => rows[r])];
    }

    private static readonly int[] First = [1, 2];
    private static readonly int[] Second = [2];

    /// <summary>Every answer of at most <paramref name="most"/> tokens with its score, best first.</summary>
    private static List<(int[] Tokens, double Score)> All(int[] prompt, int most, double penalty)
    {
        List<(int[] Tokens, double Score)> done = [];
        Extend([], 0);
        return [.. done.OrderByDescending(d => d.Score)];

        void Extend(int[] tokens, double sum)
        {
            float[] scores = Remembering.Scores([.. prompt, .. tokens]);
            double log = Math.Log(scores.Sum(s => Math.Exp(s)));
            for (int token = 0; token < Vocabulary; token++)
            {
                int[] longer = [.. tokens, token];
                double total = sum + scores[token] - log;
                if (token == End || longer.Length == most)
                    done.Add((longer, total / Math.Pow(longer.Length, penalty)));
                else
                    Extend(longer, total);
            }
        }
    }

    private static GenerationSettings Settings(int beams, int most = 4) => new() { NumBeams = beams, MaxNewTokens = most, EndTokens = [End], PadToken = 0 };

    [TestCase(0.0)]
    [TestCase(1.0)]
    [TestCase(2.5)]
    public void Beams_as_many_as_sequences_find_the_best_answers_of_all(double penalty)
    {
        // 81 beams hold every unfinished sequence of four tokens; "never" with a reward for length gives up nothing.
        var settings = Settings(81) with { NumReturnSequences = 5, LengthPenalty = penalty, EarlyStopping = EarlyStopping.Never };
        IReadOnlyList<GeneratedRow> rows = new Generator(new Remembering(), settings).Generate([First, Second]);
        foreach (var (prompt, number) in new[] { (First, 0), (Second, 1) })
        {
            var wanted = All(prompt, 4, penalty).Take(5).ToArray();
            GeneratedRow[] own = [.. rows.Where(r => r.Prompt == number)];
            Assert.That(own.Select(r => r.Tokens), Is.EqualTo(wanted.Select(w => w.Tokens)));
            Assert.That(own.Select(r => r.Score!.Value), Is.EqualTo(wanted.Select(w => w.Score)).Within(1e-6));
        }
    }

    [Test]
    public void A_score_is_the_sum_of_the_log_probabilities_over_the_length()
    {
        GeneratedRow row = new Generator(new Remembering(), Settings(3) with { LengthPenalty = 2 }).Generate([First])[0];
        Assert.That(row.Score, Is.EqualTo(row.LogProbabilities.Sum() / Math.Pow(row.Tokens.Count, 2)).Within(1e-6));
        Assert.That(row.BeamIndices, Has.Count.EqualTo(row.Tokens.Count).And.All.InRange(0, 2));
    }

    [Test]
    public void Prompts_together_give_what_each_gives_alone_and_each_runs_once()
    {
        var settings = Settings(3, 8) with { NumReturnSequences = 3, EarlyStopping = EarlyStopping.Yes };
        var model = new Remembering();
        IReadOnlyList<GeneratedRow> together = new Generator(model, settings).Generate([First, Second]);
        Assert.That(model.Prompts, Is.EqualTo(2));
        GeneratedRow[] alone = [.. new Generator(new Remembering(), settings).Generate([First]), .. new Generator(new Remembering(), settings).Generate([Second])];
        Assert.That(together.Select(r => r.Tokens), Is.EqualTo(alone.Select(r => r.Tokens)));
        Assert.That(together.Select(r => r.Score), Is.EqualTo(alone.Select(r => r.Score)));
    }

    [Test]
    public void The_alternatives_are_the_beams_own_and_hold_its_token()
    {
        GeneratedRow row = new Generator(new Remembering(), Settings(2) with { TopLogProbabilities = Vocabulary }).Generate([First])[0];
        Assert.That(row.Alternatives, Has.Count.EqualTo(row.Tokens.Count));
        for (int i = 0; i < row.Tokens.Count; i++)
        {
            float[] scores = Remembering.Scores([.. First, .. row.Tokens.Take(i)]);
            double log = Math.Log(scores.Sum(s => Math.Exp(s)));
            Assert.That(row.Alternatives[i].Select(a => a.Token), Is.EqualTo(Enumerable.Range(0, Vocabulary).OrderByDescending(t => scores[t])));
            Assert.That(row.Alternatives[i].Select(a => a.LogProbability), Is.EqualTo(row.Alternatives[i].Select(a => scores[a.Token] - log)).Within(1e-6));
            Assert.That(row.Alternatives[i].Single(a => a.Token == row.Tokens[i]).LogProbability, Is.EqualTo(row.LogProbabilities[i]));
        }
    }

    [Test]
    public void Drawn_beams_are_repeatable_and_follow_the_seed()
    {
        GenerationSettings Drawn(ulong seed) => Settings(2, 12) with { DoSample = true, Temperature = 3, Seed = seed };
        int[] Tokens(ulong seed) => [.. new Generator(new Remembering(), Drawn(seed)).Generate([First])[0].Tokens];
        int[] once = Tokens(1);
        Assert.That(Tokens(1), Is.EqualTo(once));
        Assert.That(Enumerable.Range(1, 8).Select(s => string.Join(',', Tokens((ulong)s))).Distinct().Count(), Is.GreaterThan(2));
    }

    [Test]
    public void The_context_ends_the_beams_of_one_prompt_and_the_others_go_on()
    {
        IReadOnlyList<GeneratedRow> rows = new Generator(new Remembering(context: 5), new GenerationSettings { NumBeams = 2 }).Generate([[1, 2, 0, 1], Second]);
        Assert.That(rows.Select(r => r.Tokens.Count), Is.EqualTo(new[] { 1, 4 }));
        Assert.That(rows.Select(r => r.Reason), Is.All.EqualTo(FinishReason.Context));
    }

    [Test]
    public void A_stop_string_ends_a_beam()
    {
        byte[][] text = [[(byte)'a'], [(byte)'b'], [(byte)'c'], [(byte)'d']];
        var settings = new GenerationSettings { NumBeams = 3, MaxNewTokens = 6, StopStrings = ["d"], EarlyStopping = EarlyStopping.Never, NumReturnSequences = 3 };
        IReadOnlyList<GeneratedRow> stopped = new Generator(new Remembering(), settings, text).Generate([First]);
        IReadOnlyList<GeneratedRow> ended = new Generator(new Remembering(), Settings(3, 6) with { EarlyStopping = EarlyStopping.Never, NumReturnSequences = 3 }).Generate([First]);
        Assert.That(stopped.Select(r => r.Tokens), Is.EqualTo(ended.Select(r => r.Tokens)));
        Assert.That(stopped.Select(r => r.Reason), Does.Contain(FinishReason.StopString));
    }

    [Test]
    public void A_cancelled_search_gives_the_beams_that_it_has()
    {
        using var source = new CancellationTokenSource();
        source.Cancel();
        IReadOnlyList<GeneratedRow> rows = new Generator(new Remembering(), new GenerationSettings { NumBeams = 2, NumReturnSequences = 2 }).Generate([First], null, source.Token);
        Assert.That(rows.Select(r => (r.Tokens.Count, r.Reason)), Is.EqualTo(new[] { (1, FinishReason.Cancelled), (1, FinishReason.Cancelled) }));
    }

    [Test]
    public void Beams_that_are_forbidden_everything_say_so() =>
        Assert.That(
            () => new Generator(new Remembering(), Settings(2) with { SuppressTokens = [0, 1, 2, 3] }).Generate([First]),
            Throws.TypeOf<GenerationException>().With.Message.StartsWith("every token is forbidden"));

    [TestCase(2, 3, "num_return_sequences is 3, wanted at most num_beams, 2")]
    [TestCase(0, 1, "num_beams is 0, wanted 1 or more")]
    [TestCase(1, 2, "num_return_sequences is 2, wanted 1: the likeliest token leads to one answer only; num_beams or sampling give several")]
    public void Numbers_that_do_not_fit_are_refused(int beams, int answers, string message) =>
        Assert.That(
            () => new Generator(new Remembering(), new GenerationSettings { NumBeams = beams, NumReturnSequences = answers }).Generate([First]),
            Throws.TypeOf<GenerationException>().With.Message.EqualTo(message));

    [Test]
    public void Several_draws_of_one_prompt_differ_and_the_prompt_runs_once()
    {
        var model = new Remembering();
        IReadOnlyList<GeneratedRow> rows = new Generator(model, new GenerationSettings { DoSample = true, Temperature = 4, MaxNewTokens = 10, NumReturnSequences = 3, TopLogProbabilities = 2 })
            .Generate([First, Second]);
        Assert.That(model.Prompts, Is.EqualTo(2));
        Assert.That(rows.Select(r => r.Prompt), Is.EqualTo(new[] { 0, 0, 0, 1, 1, 1 }));
        Assert.That(rows.Select(r => string.Join(',', r.Tokens)).Distinct().Count(), Is.EqualTo(6));
        Assert.That(rows[0].Alternatives, Has.Count.EqualTo(10).And.All.Length.EqualTo(2));
    }
}
