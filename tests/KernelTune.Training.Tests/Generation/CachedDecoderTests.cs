using KernelTune.Autograd;
using KernelTune.Devices;
using KernelTune.Devices.Cpu;
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
