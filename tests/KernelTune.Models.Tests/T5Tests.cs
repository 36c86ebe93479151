using KernelTune.Autograd;
using KernelTune.Checkpoints;
using KernelTune.Devices;
using KernelTune.Devices.Reference;
using KernelTune.Kernels.Numerics;
using KernelTune.Modules;

namespace KernelTune.Models.Tests;

/// <summary>What T5's settings mean, the names of its weights, and its buckets of distances.</summary>
public sealed class T5Tests
{
    private const string Tiny = """
        "architectures": ["T5ForConditionalGeneration"], "model_type": "t5", "vocab_size": 31, "d_model": 16, "d_kv": 4, "d_ff": 20, "num_layers": 2, "num_heads": 2,
        "relative_attention_num_buckets": 8, "relative_attention_max_distance": 12, "dropout_rate": 0, "decoder_start_token_id": 0, "pad_token_id": 0
        """;

    private static readonly int[] Source = [4, 9, 12, 7, 30, 2, 18, 5, 11, 3, 21, 8, 14];
    private static readonly int[] Target = [0, 6, 17, 25];

    private static double Loss(string more)
    {
        using var device = new ReferenceDevice();
        var model = (EncoderDecoder)ModelRegistry.CausalLanguageModel(TinyModels.Settings(Tiny, more));
        ModelWeights.Initialize(model, device, 5);
        var loss = new double[1];
        using (var session = new Session(device))
        {
            var source = model.Encode(new TokenInput(session.Upload<int>(Source, new Shape(1, Source.Length), DType.I64)));
            var input = new TokenInput(session.Upload<int>(Target, new Shape(1, Target.Length), DType.I64)) { Source = source };
            device.Read<double>(model.Loss(input, session.Upload<int>([6, 17, 25, 1], new Shape(1, Target.Length), DType.I64)).View, loss);
        }
        foreach (Parameter parameter in model.AllParameters())
            parameter.Dispose();
        return loss[0];
    }

    [TestCase("", """ "num_decoder_layers": 2, "feed_forward_proj": "relu", "tie_word_embeddings": true """, TestName = "T5 1.0's defaults")]
    [TestCase(""" "tie_word_embeddings": true """, """ "scale_decoder_outputs": true """, TestName = "a tied head is scaled unless told otherwise")]
    [TestCase(""" "model_type": "mt5", "architectures": ["MT5ForConditionalGeneration"] """, """ "feed_forward_proj": "gated-gelu", "tie_word_embeddings": false """, TestName = "mT5's defaults")]
    public void Means_the_same(string first, string second) => Assert.That(Loss(first), Is.EqualTo(Loss(second)));

    [TestCase(""" "scale_decoder_outputs": false """, TestName = "a tied head without scale")]
    [TestCase(""" "tie_word_embeddings": false """, TestName = "an untied head")]
    [TestCase(""" "feed_forward_proj": "gated-gelu" """, TestName = "a gate")]
    [TestCase(""" "feed_forward_proj": "silu" """, TestName = "another activation")]
    [TestCase(""" "num_decoder_layers": 1 """, TestName = "fewer layers of the decoder")]
    [TestCase(""" "relative_attention_max_distance": 5 """, TestName = "nearer distances in the last bucket")]
    public void Means_another(string more) => Assert.That(Loss(more), Is.Not.EqualTo(Loss("")).Within(1e-6));

    [TestCase(""" "feed_forward_proj": "gated-blur" """, "the activation 'blur' is not known")]
    [TestCase(""" "feed_forward_proj": "half-gated-relu" """, "\"half-gated-relu\" was found, an activation or \"gated-\" and one wanted")]
    [TestCase(""" "relative_attention_num_buckets": 2 """, "2 buckets for distances up to 12")]
    public void Is_refused(string more, string message) =>
        Assert.That(() => ModelRegistry.CausalLanguageModel(TinyModels.Settings(Tiny, more)), Throws.TypeOf<CheckpointException>().With.Message.Contain(message));

    [Test]
    public void A_decoder_without_a_source_says_what_is_missing()
    {
        using var device = new ReferenceDevice();
        CausalLanguageModel model = ModelRegistry.CausalLanguageModel(TinyModels.Settings(Tiny));
        ModelWeights.Initialize(model, device, 5);
        using var session = new Session(device);
        var input = new TokenInput(session.Upload<int>(Target, new Shape(1, Target.Length), DType.I64));
        Assert.That(() => model.Call(input), Throws.InvalidOperationException.With.Message.EqualTo("decoder.block.0.layer.1.EncDecAttention attends to a source, and none was given"));
    }

    [Test]
    public void The_table_may_stand_under_each_of_its_names_and_the_unused_one_is_known()
    {
        var model = (T5)ModelRegistry.CausalLanguageModel(TinyModels.Settings(Tiny));
        Assert.That(model.CheckpointKeys(model.TokenTable.Weight), Is.EqualTo(new[] { "shared.weight", "encoder.embed_tokens.weight", "decoder.embed_tokens.weight", "lm_head.weight" }));
        Assert.That(model.IsKnownBuffer("decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight"), Is.True);
        Assert.That(model.IsKnownBuffer("decoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight"), Is.False);
    }

    [Test]
    public void Buckets_are_exact_near_by_and_one_beyond_the_greatest_distance()
    {
        var both = new RelativeBuckets(32, 128, Bidirectional: true);
        Assert.That(Enumerable.Range(0, 8).Select(d => both.Of(-d)), Is.EqualTo(Enumerable.Range(0, 8)));
        Assert.That(Enumerable.Range(1, 7).Select(d => both.Of(d)), Is.EqualTo(Enumerable.Range(17, 7)));
        Assert.That((both.Of(-16), both.Of(-127), both.Of(-128), both.Of(-100000), both.Of(128)), Is.EqualTo((10, 15, 15, 15, 31)));
        var past = new RelativeBuckets(32, 128, Bidirectional: false);
        Assert.That((past.Of(5), past.Of(0), past.Of(-15), past.Of(-16), past.Of(-1000)), Is.EqualTo((0, 0, 15, 16, 31)));
    }
}
