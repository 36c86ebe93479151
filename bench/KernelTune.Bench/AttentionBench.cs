using KernelTune.Kernels.Cpu;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Bench;

/// <summary>
/// Attention as a share of the FMA peak, counting 2·(D + Dv) operations a visible pair forward and 6·D + 4·Dv backward: the exponentials, the masked
/// part of diagonal tiles and the packing are overhead.
/// </summary>
internal static unsafe class AttentionBench
{
    public static void Run(Report report)
    {
        report.Line("Share of the FMA peak: median (quartiles); 1 thread by processor time.");
        report.Line();
        report.Line("| attention | threads | forward, µs | of peak | backward, µs | of peak |");
        report.Line("|---|---|---|---|---|---|");
        for (var threads = 1; threads <= report.Threads; threads *= 2)
        {
            using var pool = new WorkerPool(threads);
            foreach (var (name, batch, queries, keys, heads, keyHeads, causal) in new[]
            {
                ("SmolLM2, 4×512", 4, 512, 512, 9, 3, true), ("SmolLM2, 1×2048", 1, 2048, 2048, 9, 3, true), ("GPT-2, 4×512", 4, 512, 512, 12, 12, true),
                ("BERT, 8×128", 8, 128, 128, 12, 12, false), ("SmolLM2, a token over 1024", 1, 1, 1024, 9, 3, true),
            })
                if (name.Contains(report.Filter, StringComparison.Ordinal))
                    Measure(report, pool, name, new AttentionShape
                    {
                        Batch = batch, Queries = queries, Keys = keys, Heads = heads, KeyHeads = keyHeads, Width = 64, ValueWidth = 64, Scale = 0.125f,
                        Latest = causal ? 0 : long.MaxValue,
                    });
        }
    }

    private static void Measure(Report report, WorkerPool pool, string name, AttentionShape s)
    {
        var set = InstructionSets.Best;
        long nq = (long)s.Batch * s.Queries * s.Heads * s.Width, nk = (long)s.Batch * s.Keys * s.KeyHeads * s.Width;
        using Buffer q = new(nq), k = new(nk), v = new(nk), y = new(nq), dy = new(nq), dq = new(nq), dk = new(nk), dv = new(nk), lse = new(nq / s.Width);
        using Buffer forward = new((long)Attention.Workspace(s, pool.Workers, set) / 4), backward = new((long)Attention.GradWorkspace(s, pool.Workers, set) / 4);
        AttentionStride queries = new(s.Queries * s.Heads * s.Width, s.Heads * s.Width, s.Width), keys = new(s.Keys * s.KeyHeads * s.Width, s.KeyHeads * s.Width, s.Width);
        var args = new AttentionArgs<float>
        {
            Shape = s, Q = q.Data, K = k.Data, V = v.Data, Y = y.Data, Lse = lse.Data, QStride = queries, KStride = keys, VStride = keys, YStride = queries,
        };
        var grad = new AttentionGradArgs<float>
        {
            Forward = args, DY = dy.Data, DQ = dq.Data, DK = dk.Data, DV = dv.Data, DYStride = queries, DQStride = queries, DKStride = keys, DVStride = keys,
        };
        var visible = (double)s.Queries * s.Keys - (s.Latest == 0 ? s.Queries * (s.Queries - 1.0) / 2 : 0);
        var pairs = visible * s.Batch * s.Heads;
        var measure = new Yardstick(pool, report.Pairs);
        measure.Measure(pairs * 4 * s.Width, () => Attention.Forward(args, forward.Data, pool, set));
        var line = $"| {name} | {pool.Workers} | {measure.Seconds.Median * 1e6:F0} | {measure.Share.Percent} |";
        measure.Measure(pairs * 10 * s.Width, () => Attention.Backward(grad, backward.Data, pool, set));
        report.Line($"{line} {measure.Seconds.Median * 1e6:F0} | {measure.Share.Percent} |");
    }
}
