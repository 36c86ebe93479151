using KernelTune.Kernels.Cpu;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Kernels.Tests.Attention;

/// <summary>Forward and backward against the double-precision reference, the same bits on 1 to 3 threads and every instruction set.</summary>
public sealed class AttentionTests
{
    private static AttentionShape Shape(int batch, int queries, int keys, int heads, int keyHeads, int width, int? valueWidth = null) => new()
    {
        Batch = batch, Queries = queries, Keys = keys, Heads = heads, KeyHeads = keyHeads, Width = width, ValueWidth = valueWidth ?? width,
        Scale = 1 / MathF.Sqrt(width),
    };

    [Test]
    public void Plain_attention_of_all_head_widths(
        [Values(8, 16, 32, 40, 64, 72, 80, 96, 112, 128)] int width, [Values] bool causal, [Values] bool headsFirst) =>
        new AttentionCase { Shape = Shape(2, 37, 37, 2, 1, width) with { Latest = causal ? 0 : long.MaxValue }, HeadsFirst = headsFirst }.Check([1, 3]);

    [TestCase(1, 1)]
    [TestCase(1, 130)]
    [TestCase(2, 7)]
    [TestCase(4, 300)]
    [TestCase(5, 64)]
    [TestCase(33, 250)]
    [TestCase(150, 20)]
    [TestCase(230, 230)]
    [TestCase(3, 0)]
    [TestCase(0, 3)]
    public void Unequal_lengths_aligned_either_way(int queries, int keys)
    {
        foreach (var (latest, topLeft) in new[] { (long.MaxValue, false), (0, false), (0, true) })
            foreach (var (heads, keyHeads) in new[] { (2, 2), (6, 2), (9, 1) })
                new AttentionCase { Shape = Shape(2, queries, keys, heads, keyHeads, 16) with { Latest = latest, TopLeft = topLeft } }.Check([1, 2]);
    }

    [Test]
    public void Windows([Values(-1, 0, 5, 40)] int left, [Values(-1, 0, 3)] int right, [Values(1, 3, 120)] int queries)
    {
        var shape = Shape(1, queries, 131, 4, 2, 24) with
        {
            Earliest = left < 0 ? long.MinValue : -left, Latest = right < 0 ? long.MaxValue : right,
        };
        new AttentionCase { Shape = shape }.Check([1, 2]);
    }

    [Test]
    public void Everything_that_shifts_or_hides_scores(
        [Values(2, 45)] int queries, [Values] bool bias, [Values] bool slopes, [Values] bool sinks, [Values(0f, 3f)] float cap,
        [Values("", "right", "left", "none")] string keys) =>
        new AttentionCase
        {
            Shape = Shape(3, queries, 50, 4, 2, 20, 36) with { Latest = 0, Softcap = cap },
            Bias = bias, Slopes = slopes, Sinks = sinks, KeyMask = keys, FullMask = bias != slopes,
        }.Check([1, 3]);

    [Test]
    public void Packed_sequences_see_only_themselves([Values] bool causal, [Values] bool topLeft, [Values] bool cross)
    {
        int[] lengths = [5, 70, 0, 1, 129, 33], keys = cross ? [9, 64, 4, 0, 140, 33] : lengths;
        new AttentionCase
        {
            Shape = Shape(1, lengths.Sum(), keys.Sum(), 6, 3, 32) with { Sequences = lengths.Length, Latest = causal ? 0 : long.MaxValue, TopLeft = topLeft },
            LengthsQ = lengths, LengthsK = keys, Slopes = true,
        }.Check([1, 3]);
    }

    [Test]
    public void Gradients_are_added_where_asked() =>
        new AttentionCase { Shape = Shape(2, 40, 40, 3, 3, 16) with { Latest = 0 }, Add = true }.Check([1, 2]);

    // Too long without the optimiser.
#if !DEBUG
    // SmolLM2-135M: 9 heads on 3 of width 64; GPT-2: 12 of 64.
    [TestCase(9, 3)]
    [TestCase(12, 12)]
    public void The_models_layers(int heads, int keyHeads) =>
        new AttentionCase { Shape = Shape(1, 512, 512, heads, keyHeads, 64) with { Latest = 0 } }.Check([1, 2]);
#endif

    [Test]
    public void Large_scores_do_not_overflow() =>
        new AttentionCase { Shape = Shape(1, 40, 70, 2, 2, 16) with { Scale = 200 } }.Check([1], allowed: 1e-4);

    [Test]
    public void Workspace_grows_with_threads_and_not_with_the_matrix_of_scores()
    {
        var (small, large) = (Shape(1, 512, 512, 9, 3, 64), Shape(1, 4096, 4096, 9, 3, 64));
        var one = Kernels.Cpu.Attention.Workspace(small, 1, InstructionSets.Best);
        Assert.That(Kernels.Cpu.Attention.Workspace(small, 4, InstructionSets.Best), Is.EqualTo(4 * one));
        Assert.That(Kernels.Cpu.Attention.Workspace(large, 1, InstructionSets.Best), Is.EqualTo(one));
        var rows = (ulong)(4096 - 512) * 9 * sizeof(float);
        Assert.That(
            Kernels.Cpu.Attention.GradWorkspace(large, 1, InstructionSets.Best) - Kernels.Cpu.Attention.GradWorkspace(small, 1, InstructionSets.Best),
            Is.EqualTo((nuint)rows));
    }
}
