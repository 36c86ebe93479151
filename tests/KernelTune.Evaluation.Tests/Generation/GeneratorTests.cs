using System.Text;
using KernelTune.Evaluation.Generation;

namespace KernelTune.Evaluation.Tests.Generation;

public sealed class GeneratorTests
{
    /// <summary>The likeliest token after t is t + 1; it records what it is given.</summary>
    private sealed class Counting(int vocabulary = 10, int context = 100) : INextLogits
    {
        private readonly List<int> last = [];

        public int VocabularySize => vocabulary;

        public int ContextLength => context;

        public int? StartToken => null;

        public TokenBatch? Prompts { get; private set; }

        public List<int[]> Steps { get; } = [];

        public ReadOnlySpan<float> Prefill(TokenBatch prompts, int copies = 1)
        {
            Prompts = prompts;
            last.Clear();
            for (int row = 0; row < prompts.Rows; row++)
                last.Add(prompts.Prompt(row)[^1]);
            return Logits();
        }

        public void Reorder(ReadOnlySpan<int> rows) => Assert.Fail("rows change places in beam search only");

        public ReadOnlySpan<float> Step(ReadOnlySpan<int> tokens)
        {
            Steps.Add(tokens.ToArray());
            last.Clear();
            last.AddRange(tokens);
            return Logits();
        }

        private float[] Logits()
        {
            var logits = new float[last.Count * vocabulary];
            for (int row = 0; row < last.Count; row++)
                logits[(row * vocabulary) + ((last[row] + 1) % vocabulary)] = 5;
            return logits;
        }
    }

    [Test]
    public void Rows_end_by_themselves_and_are_filled_up()
    {
        var model = new Counting();
        IReadOnlyList<GeneratedRow> rows = new Generator(model, new GenerationSettings { EndTokens = [5], PadToken = 0, MaxNewTokens = 4 }).Generate([[9, 3], [6]]);
        Assert.That(rows[0].Tokens, Is.EqualTo(new[] { 4, 5 }));
        Assert.That(rows[0].Reason, Is.EqualTo(FinishReason.EndToken));
        Assert.That(rows[1].Tokens, Is.EqualTo(new[] { 7, 8, 9, 0 }));
        Assert.That(rows[1].Reason, Is.EqualTo(FinishReason.Length));
        Assert.That(model.Prompts!.Ids.ToArray(), Is.EqualTo(new[] { 9, 3, 0, 6 }));
        Assert.That(model.Prompts.Padding.ToArray(), Is.EqualTo(new[] { 0, 1 }));
        Assert.That(model.Steps, Is.EqualTo(new int[][] { [4, 7], [5, 8], [0, 9] }));
    }

    [Test]
    public void Tokens_are_reported_as_they_are_chosen()
    {
        List<GeneratedToken> seen = [];
        new Generator(new Counting(), new GenerationSettings { MaxNewTokens = 2 }).Generate([[1], [5]], seen.Add);
        Assert.That(seen, Is.EqualTo(new GeneratedToken[] { new(0, 2, null), new(1, 6, null), new(0, 3, FinishReason.Length), new(1, 7, FinishReason.Length) }));
    }

    [Test]
    public void Log_probabilities_are_those_of_the_processed_scores()
    {
        GeneratedRow row = new Generator(new Counting(), new GenerationSettings { MaxNewTokens = 1, WantLogProbabilities = true }).Generate([[1]])[0];
        Assert.That(row.LogProbabilities[0], Is.EqualTo(5 - Math.Log(Math.Exp(5) + 9)).Within(1e-12));
    }

    [Test]
    public void A_stop_string_ends_a_row()
    {
        byte[][] text = [.. "abcdefghij".Select(c => new[] { (byte)c })];
        GeneratedRow row = new Generator(new Counting(), new GenerationSettings { StopStrings = ["ef"] }, text).Generate([[1]])[0];
        Assert.That(row.Tokens, Is.EqualTo(new[] { 2, 3, 4, 5 }));
        Assert.That(row.Reason, Is.EqualTo(FinishReason.StopString));
    }

    [Test]
    public void The_context_ends_a_row_and_padding_does_not_count()
    {
        IReadOnlyList<GeneratedRow> rows = new Generator(new Counting(context: 4), new GenerationSettings()).Generate([[1, 2, 3], [5]]);
        Assert.That(rows.Select(r => r.Tokens.Count), Is.EqualTo(new[] { 1, 3 }));
        Assert.That(rows.Select(r => r.Reason), Is.All.EqualTo(FinishReason.Context));
    }

    [Test]
    public void A_prompt_that_fills_the_context_is_refused() =>
        Assert.That(
            () => new Generator(new Counting(context: 3), new GenerationSettings()).Generate([[1, 2, 3]]),
            Throws.TypeOf<GenerationException>().With.Message.EqualTo("prompt 0 has 3 tokens, which leaves no room in the model's context of 3"));

    [Test]
    public void An_empty_prompt_is_refused() =>
        Assert.That(
            () => new Generator(new Counting(), new GenerationSettings()).Generate([[1], []]),
            Throws.TypeOf<GenerationException>().With.Message.StartsWith("prompt 1 has no tokens"));

    [Test]
    public void A_cancelled_generation_keeps_what_it_has()
    {
        using var source = new CancellationTokenSource();
        GeneratedRow row = new Generator(new Counting(), new GenerationSettings()).Generate([[1]], t => { if (t.Token == 4) source.Cancel(); }, source.Token)[0];
        Assert.That(row.Tokens, Is.EqualTo(new[] { 2, 3, 4, 5 }));
        Assert.That(row.Reason, Is.EqualTo(FinishReason.Cancelled));
    }

    [Test]
    public void Sampling_is_repeatable_and_a_row_does_not_depend_on_its_batch()
    {
        var settings = new GenerationSettings { DoSample = true, Temperature = 3, MaxNewTokens = 20, Seed = 11 };
        IReadOnlyList<GeneratedRow> together = new Generator(new Counting(), settings).Generate([[1], [2, 3]]);
        IReadOnlyList<GeneratedRow> alone = new Generator(new Counting(), settings).Generate([[1]]);
        Assert.That(alone[0].Tokens, Is.EqualTo(together[0].Tokens));
        Assert.That(together[0].Tokens, Is.Not.EqualTo(Enumerable.Range(2, 20).Select(i => i % 10)));
    }

    [Test]
    public void Strings_that_stop_need_the_tokens_bytes() =>
        Assert.That(
            () => new Generator(new Counting(), new GenerationSettings { StopStrings = [Encoding.UTF8.GetString("a"u8)] }).Generate([[1]]),
            Throws.TypeOf<GenerationException>().With.Message.EqualTo("stop strings were given, but not what each token stands for"));
}
