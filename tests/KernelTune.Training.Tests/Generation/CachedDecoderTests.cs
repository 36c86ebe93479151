using KernelTune.Autograd;
using KernelTune.Devices;
using KernelTune.Devices.Cpu;
using KernelTune.Devices.Memory;
using KernelTune.Devices.Reference;
using KernelTune.Evaluation.Generation;
using KernelTune.Kernels.Numerics;
using KernelTune.Models;
using KernelTune.Modules;
using KernelTune.Training.Generation;

namespace KernelTune.Training.Tests.Generation;

/// <summary>A decoder over a cache gives what the whole sequence gives at once.</summary>
public sealed class CachedDecoderTests
{
    private static readonly int[][] Prompts = [[4, 9], [1, 7, 30, 4, 9, 12], [25, 3, 17]];

    private static IEnumerable<object[]> Places() =>
        from model in (string[])["llama", "gpt2"] from device in (string[])["reference", "cpu"] select new object[] { model, device };

    private static Device Open(string device) => device == "cpu" ? new CpuDevice(2) : new ReferenceDevice();

    [TestCaseSource(nameof(Places))]
    public void Steps_over_a_cache_that_grows_equal_the_whole_sequence(string architecture, string device)
    {
        using Device on = Open(device);
        CausalLanguageModel model = TinyModel.Of(architecture);
        TinyModel.Draw(model, on);
        long before = on.Outstanding;
        using (var decoder = new CachedDecoder(model, on, expectedNewTokens: 1))
        {
            int[][] rows = Prompts;
            Check(decoder.Prefill(new TokenBatch(rows, padToken: 0)), model, on, rows, device);
            for (int step = 0; step < 20; step++)
            {
                int[] next = [(step * 7 + 3) % 31, (step * 5 + 1) % 31, (step * 11 + 2) % 31];
                rows = [.. rows.Select((r, i) => (int[])[.. r, next[i]])];
                Check(decoder.Step(next), model, on, rows, device);
            }
        }

        Assert.That(on.Outstanding, Is.EqualTo(before));
    }

    [TestCaseSource(nameof(Places))]
    public void Rows_that_change_places_go_on_from_what_the_others_have_seen(string architecture, string device)
    {
        using Device on = Open(device);
        CausalLanguageModel model = TinyModel.Of(architecture);
        TinyModel.Draw(model, on);
        long before = on.Outstanding;
        using (var decoder = new CachedDecoder(model, on, expectedNewTokens: 3))
        {
            const int copies = 3;
            decoder.Prefill(new TokenBatch(Prompts[..2], padToken: 0), copies);
            int[][] rows = [.. Prompts[..2].SelectMany(p => Enumerable.Repeat(p, copies))];
            for (int step = 0; step < 8; step++)
            {
                int[] next = [.. Enumerable.Range(0, rows.Length).Select(r => (step * 7 + r * 5 + 3) % 31)];
                rows = [.. rows.Select((r, i) => (int[])[.. r, next[i]])];
                Check(decoder.Step(next), model, on, rows, device);

                // Each prompt's copies among themselves: doubled, thrown away, turned round.
                int[] order = [.. new[] { step % 3, (step * 2) % 3, 1 }, .. new[] { 5, 3 + (step % 2), 4 }];
                decoder.Reorder(order);
                rows = [.. order.Select(r => rows[r])];
            }
            Assert.That(on.Ledger.CurrentOf(Category.KvCache), Is.GreaterThan(0));
        }

        Assert.That(on.Outstanding, Is.EqualTo(before));
    }

    [Test]
    public void A_row_that_has_ended_may_stand_beyond_the_models_positions()
    {
        using var on = new CpuDevice(1);
        CausalLanguageModel model = TinyModel.Gpt2();
        TinyModel.Draw(model, on);
        using var decoder = new CachedDecoder(model, on);
        int[] longest = [.. Enumerable.Range(0, 60).Select(i => i % 31)];
        int[] Short(int[][] prompts) => [.. new Generator(decoder, new GenerationSettings { MaxNewTokens = 20 }).Generate(prompts)[^1].Tokens];
        Assert.That(Short([longest, Prompts[0]]), Is.EqualTo(Short([Prompts[0]])));
    }

    [Test]
    public void A_step_allocates_little_however_long_the_text_is()
    {
        using var on = new CpuDevice(1);
        CausalLanguageModel model = TinyModel.Of("""
            {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 31, "hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1,
            "num_attention_heads": 2, "max_position_embeddings": 4096}
            """);
        TinyModel.Draw(model, on);
        long Step(int length)
        {
            using var decoder = new CachedDecoder(model, on);
            decoder.Prefill(new TokenBatch([[.. Enumerable.Repeat(4, length)], [7]], 0), copies: 2);
            for (int i = 0; i < 3; i++)
            {
                decoder.Reorder([1, 0, 2, 3]);
                decoder.Step([1, 2, 3, 4]);
            }
            long before = GC.GetAllocatedBytesForCurrentThread();
            decoder.Reorder([1, 0, 3, 2]);
            decoder.Step([1, 2, 3, 4]);
            return GC.GetAllocatedBytesForCurrentThread() - before;
        }

        long few = Step(10), many = Step(3000);
        Assert.That(many, Is.LessThan(20_000));
        Assert.That(many, Is.EqualTo(few).Within(512));
    }

    [Test]
    public void A_second_prefill_forgets_the_first()
    {
        using var on = new CpuDevice(1);
        CausalLanguageModel model = TinyModel.Llama();
        TinyModel.Draw(model, on);
        using var decoder = new CachedDecoder(model, on);
        float[] first = decoder.Prefill(new TokenBatch([Prompts[1]], 0)).ToArray();
        decoder.Prefill(new TokenBatch(Prompts, 0));
        decoder.Step([1, 2, 3]);
        Assert.That(decoder.Prefill(new TokenBatch([Prompts[1]], 0)).ToArray(), Is.EqualTo(first));
    }

    [Test]
    public void A_step_before_any_prompt_is_refused()
    {
        using var on = new CpuDevice(1);
        using var decoder = new CachedDecoder(TinyModel.Llama(), on);
        Assert.That(() => decoder.Step([1]), Throws.InvalidOperationException.With.Message.EqualTo("a step before any prompt was given"));
    }

    /// <summary>Each row alone, without padding and without a cache.</summary>
    private static void Check(ReadOnlySpan<float> logits, CausalLanguageModel model, Device on, int[][] rows, string device)
    {
        for (int row = 0; row < rows.Length; row++)
        {
            using var session = new Session(on);
            Tensor whole = model.Logits(model.Call(new TokenInput(session.Upload<int>(rows[row], new Shape(1, rows[row].Length), DType.I64))));
            var last = new float[model.VocabularySize];
            on.Read<float>(whole.View.Slice(1, rows[row].Length - 1, 1), last);
            Assert.That(logits.Slice(row * last.Length, last.Length).ToArray(), Is.EqualTo(last).Within(device == "cpu" ? 2e-5 : 1e-6));
        }
    }
}
