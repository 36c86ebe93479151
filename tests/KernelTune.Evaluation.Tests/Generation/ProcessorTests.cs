using System.Text.Json;
using KernelTune.Evaluation.Generation;
using KernelTune.Evaluation.Generation.Processors;

namespace KernelTune.Evaluation.Tests.Generation;

/// <summary>The rules of processors at their edges; the values themselves are held to the goldens by the conformance tool.</summary>
public sealed class ProcessorTests
{
    private const float Out = float.NegativeInfinity;

    private static float[] Run(ILogitsProcessor processor, int[] ids, params float[] scores)
    {
        processor.Process(new LogitsContext(ids, 0, 0), scores);
        return scores;
    }

    [Test]
    public void Repetition_penalty_skips_left_padding_and_counts_each_token_once()
    {
        float[] scores = [1, 2, -3, 4];
        new RepetitionPenalty(2).Process(new LogitsContext([0, 0, 2, 1, 2], 2, 0), scores);
        Assert.That(scores, Is.EqualTo(new float[] { 1, 1, -6, 4 }));
    }

    [Test]
    public void Repetition_penalty_counts_a_padding_token_inside_the_text()
    {
        float[] scores = [1, 2];
        new RepetitionPenalty(2).Process(new LogitsContext([0, 1, 0], 1, 0), scores);
        Assert.That(scores, Is.EqualTo(new float[] { 0.5f, 1 }));
    }

    [Test]
    public void Top_k_keeps_all_that_equal_the_last_one() => Assert.That(Run(new TopK(2), [], 1, 3, 2, 2), Is.EqualTo(new[] { Out, 3, 2, 2 }));

    [Test]
    public void Top_p_of_equal_scores_removes_the_lower_indices_first() =>
        Assert.That(Run(new TopP(0.4), [], 1, 1, 1, 1), Is.EqualTo(new[] { Out, Out, 1, 1 }));

    [Test]
    public void Top_p_passes_over_what_is_forbidden_already() => Assert.That(Run(new TopP(0.5), [], Out, 1, 5, Out), Is.EqualTo(new[] { Out, Out, 5, Out }));

    [Test]
    public void Min_p_compares_with_the_likeliest_token() =>
        Assert.That(Run(new MinP(0.5), [], 0, MathF.Log(0.51f), MathF.Log(0.49f)), Is.EqualTo(new[] { 0, MathF.Log(0.51f), Out }));

    [Test]
    public void N_grams_shorter_than_asked_forbid_nothing() => Assert.That(Run(new NoRepeatNGram(3), [1], 0, 0, 0), Is.EqualTo(new float[] { 0, 0, 0 }));

    [Test]
    public void N_grams_forbid_what_would_complete_one() => Assert.That(Run(new NoRepeatNGram(2), [1, 2, 1], 0, 0, 0), Is.EqualTo(new[] { 0, 0, Out }));

    [Test]
    public void Of_equal_biased_sequences_the_last_counts() =>
        Assert.That(Run(new SequenceBias([([1], 5.0), ([1], 2.0), ([0, 1], 1.0)]), [2, 0], 0, 0, 0), Is.EqualTo(new float[] { 0, 3, 0 }));

    [Test]
    public void A_biased_token_beyond_the_vocabulary_is_named() =>
        Assert.That(
            () => Run(new SequenceBias([([7], 1.0)]), [], 0, 0),
            Throws.TypeOf<GenerationException>().With.Message.EqualTo("a biased sequence holds the token 7, but the vocabulary has 2 tokens"));

    [Test]
    public void An_end_token_alone_is_no_bad_word() => Assert.That(Run(new BadWords([[0], [1]], [0]), [], 0, 0), Is.EqualTo(new[] { 0, Out }));

    [Test]
    public void Settings_are_read_by_their_names_and_the_unknown_ones_are_reported()
    {
        using JsonDocument json = JsonDocument.Parse(
            """{"eos_token_id": [2, 3], "pad_token_id": null, "do_sample": true, "temperature": 0.6, "top_p": 0.9, "num_return_sequences": 1, "guidance_scale": 1.5, "use_cache": true}""");
        List<string> unsupported = [];
        GenerationSettings settings = GenerationSettingsJson.Read(json.RootElement, new GenerationSettings(), unsupported);
        Assert.That(settings.EndTokens, Is.EqualTo(new[] { 2, 3 }));
        Assert.That(settings.PadToken, Is.Null);
        Assert.That((settings.DoSample, settings.Temperature, settings.TopP), Is.EqualTo((true, 0.6, 0.9)));
        Assert.That(unsupported, Is.EqualTo(new[] { "guidance_scale = 1.5" }));
    }

    [Test]
    public void A_setting_of_the_wrong_type_is_named()
    {
        using JsonDocument json = JsonDocument.Parse("""{"temperature": "hot"}""");
        Assert.That(
            () => GenerationSettingsJson.Read(json.RootElement, new GenerationSettings(), []),
            Throws.TypeOf<GenerationException>().With.Message.EqualTo("temperature is \"hot\", which has the wrong type for this setting"));
    }

    [TestCase(0)]
    [TestCase(double.NaN)]
    [TestCase(-1)]
    public void A_temperature_out_of_range_is_refused(double temperature) =>
        Assert.That(
            () => new ProcessorChain(new GenerationSettings { Temperature = temperature }, 1, 2),
            Throws.TypeOf<GenerationException>().With.Message.StartsWith("temperature is "));

    [Test]
    public void Warpers_apply_only_when_sampling()
    {
        var settings = new GenerationSettings { Temperature = 0.5, TopK = 3 };
        Assert.That(new ProcessorChain(settings, 1, 2).Processors, Is.Empty);
        Assert.That(new ProcessorChain(settings with { DoSample = true }, 1, 2).Processors.Select(p => p.Name), Is.EqualTo(new[] { "TemperatureLogitsWarper", "TopKLogitsWarper" }));
    }
}
