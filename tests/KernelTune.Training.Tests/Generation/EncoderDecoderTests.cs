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

/// <summary>An encoder-decoder over a cache: the source is read once, and all rows of a prompt share what was made of it.</summary>
public sealed class EncoderDecoderTests
{
    private static readonly int[][] Sources = [[4, 9, 12, 7, 30], [25, 3]];

    private static Device Open(string device) => device == "cpu" ? new CpuDevice(2) : new ReferenceDevice();

    [TestCase("reference")]
    [TestCase("cpu")]
    public void Steps_over_a_cache_equal_the_whole_sequence_and_rows_may_change_places(string device)
    {
        using Device on = Open(device);
        var model = (EncoderDecoder)TinyModel.T5();
        TinyModel.Draw(model, on);
        long before = on.Outstanding;
        using (var decoder = new CachedDecoder(model, on, expectedNewTokens: 2))
        {
            const int copies = 2;
            int[][] rows = [.. Enumerable.Repeat((int[])[0], Sources.Length)];
            Check(decoder.Prefill(new TokenBatch(Sources, padToken: 0), copies), model, on, rows, 1, device);
            rows = [.. Enumerable.Repeat((int[])[0], Sources.Length * copies)];
            for (int step = 0; step < 9; step++)
            {
                int[] next = [.. Enumerable.Range(0, rows.Length).Select(r => (step * 7 + r * 5 + 3) % 31)];
                rows = [.. rows.Select((r, i) => (int[])[.. r, next[i]])];
                Check(decoder.Step(next), model, on, rows, copies, device);
                int[] order = [step % 2, 1, 3, 2];
                decoder.Reorder(order);
                rows = [.. order.Select(r => rows[r])];
            }
        }

        Assert.That(on.Outstanding, Is.EqualTo(before));
    }

    [Test]
    public void The_source_is_projected_once_whatever_the_steps_and_the_beams()
    {
        using var on = new CpuDevice(1);
        var model = (EncoderDecoder)TinyModel.T5();
        TinyModel.Draw(model, on);
        using var decoder = new CachedDecoder(model, on);
        var projected = new List<string>();
        on.Ledger.Events += e =>
        {
            if (e.Category == Category.Activations && e.Bytes > 0 && e.Owner.Contains("EncDecAttention.k", StringComparison.Ordinal))
                projected.Add(e.Owner);
        };
        decoder.Prefill(new TokenBatch(Sources, 0), copies: 3);
        for (int i = 0; i < 4; i++)
            decoder.Step([1, 2, 3, 4, 5, 6]);
        Assert.That(projected, Is.EquivalentTo(Enumerable.Range(0, model.Layers).Select(i => $"decoder.block.{i}.layer.1.EncDecAttention.k")));
    }

    [Test]
    public void Beams_of_sources_together_give_what_each_gives_alone()
    {
        using var on = new CpuDevice(1);
        CausalLanguageModel model = TinyModel.T5();
        TinyModel.Draw(model, on);
        using var decoder = new CachedDecoder(model, on);
        var settings = new GenerationSettings { NumBeams = 3, NumReturnSequences = 2, MaxNewTokens = 7, EndTokens = [1], PadToken = 0 };
        int[][] Tokens(params int[][] sources) => [.. new Generator(decoder, settings).Generate(sources).Select(r => r.Tokens.ToArray())];
        Assert.That(Tokens(Sources), Is.EqualTo(Tokens(Sources[0]).Concat(Tokens(Sources[1]))));
    }

    // Each row's whole sequence at once, with its source alone and without padding.
    private static void Check(ReadOnlySpan<float> logits, EncoderDecoder model, Device on, int[][] rows, int copies, string device)
    {
        for (int row = 0; row < rows.Length; row++)
        {
            using var session = new Session(on);
            int[] source = Sources[row / copies];
            var encoded = model.Encode(new TokenInput(session.Upload<int>(source, new Shape(1, source.Length), DType.I64)));
            Tensor whole = model.Logits(model.Call(new TokenInput(session.Upload<int>(rows[row], new Shape(1, rows[row].Length), DType.I64)) { Source = encoded }));
            var last = new float[model.VocabularySize];
            on.Read<float>(whole.View.Slice(1, rows[row].Length - 1, 1), last);
            Assert.That(logits.Slice(row * last.Length, last.Length).ToArray(), Is.EqualTo(last).Within(device == "cpu" ? 5e-5 : 1e-6));
        }
    }
}
