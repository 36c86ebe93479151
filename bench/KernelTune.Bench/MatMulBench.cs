using System.Runtime.InteropServices;
using KernelTune.Kernels.Cpu;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Bench;

/// <summary>Products as a share of the FMA peak, each run between two measurements of that peak, beside OpenBLAS where it is found.</summary>
internal static unsafe class MatMulBench
{
    public static void Run(Report report)
    {
        var blas = OpenBlas.Find(report.Blas);
        report.Line(blas is null ? "OpenBLAS: not found" : $"OpenBLAS: core {blas.Core} ({blas.Configuration})");
        report.Line();
        report.Line("Share of the FMA peak: median (quartiles) over interleaved runs; 1 thread by processor time. The last column: OpenBLAS's time over ours.");
        report.Line();
        report.Line("| product | M×N×K | threads | GFLOP/s | of peak | to OpenBLAS |");
        report.Line("|---|---|---|---|---|---|");
        for (var threads = 1; threads <= report.Threads; threads *= 2)
        {
            using var pool = new WorkerPool(threads);
            foreach (var (name, shape) in Cases())
                if ($"{name} {shape.M}x{shape.N}x{shape.K}".Contains(report.Filter, StringComparison.Ordinal))
                    Measure(report, pool, blas, name, shape);
        }
    }

    private static IEnumerable<(string, MatMulShape)> Cases()
    {
        yield return ("microkernel", MatMulShape.Nt(14, 32, 384) with { Right = MatMulRight.Packed });
        foreach (var size in new[] { 512, 1024, 2048 })
        {
            yield return ("NN", MatMulShape.Nn(size, size, size));
            yield return ("NT", MatMulShape.Nt(size, size, size));
            yield return ("TN", MatMulShape.Tn(size, size, size));
            yield return ("NT packed", MatMulShape.Nt(size, size, size) with { Right = MatMulRight.Packed });
        }
        foreach (var (o, i) in new[] { (576, 576), (192, 576), (1536, 576), (576, 1536), (49_152, 576), (2304, 768), (768, 3072) })
        {
            yield return ("forward packed", MatMulShape.Nt(512, o, i) with { Right = MatMulRight.Packed });
            yield return ("forward", MatMulShape.Nt(512, o, i));
            yield return ("dX packed", MatMulShape.Nn(512, i, o) with { Right = MatMulRight.PackedRows });
            yield return ("dX", MatMulShape.Nn(512, i, o));
            yield return ("dW", MatMulShape.Tn(o, i, 512) with { Add = true });
        }
        foreach (var (o, i) in new[] { (576, 576), (1536, 576) })
        {
            yield return ("lora x·Aᵀ", MatMulShape.Nt(512, 8, i));
            yield return ("lora +t·Bᵀ", MatMulShape.Nt(512, o, 8) with { Add = true });
            yield return ("lora dY·B", MatMulShape.Nn(512, 8, o));
            yield return ("lora dTᵀ·x", MatMulShape.Tn(8, i, 512) with { Add = true });
            yield return ("lora dYᵀ·t", MatMulShape.Tn(o, 8, 512) with { Add = true });
        }
        foreach (var m in new[] { 1, 4 })
        {
            yield return ("few tokens, packed", MatMulShape.Nt(m, 49_152, 576) with { Right = MatMulRight.Packed });
            yield return ("few tokens, rows", MatMulShape.Nt(m, 49_152, 576));
        }
    }

    private static void Measure(Report report, WorkerPool pool, OpenBlas? blas, string name, MatMulShape shape)
    {
        var set = InstructionSets.Best;
        var (m, n, k) = (shape.M, shape.N, shape.K);
        var transposeB = shape.Right is MatMulRight.Transposed or MatMulRight.Packed;
        var packed = shape.Right is MatMulRight.Packed or MatMulRight.PackedRows;
        using var a = new Buffer((long)m * k);
        using var b = new Buffer((long)n * k);
        using var c = new Buffer((long)m * n);
        using var p = new Buffer(packed ? transposeB ? PackedWeight.Floats(n, k) : PackedWeight.Floats(k, n) : 1);
        using var workspace = new Buffer((long)MatMul.Workspace(shape, pool.Workers, set) / 4 + 16);
        if (packed)
            PackedWeight.Pack(set, pool, b.Data, transposeB ? k : n, transposeB ? n : k, transposeB ? k : n, p.Data);
        var right = packed ? p.Data : b.Data;
        var work = 2.0 * m * n * k;
        var repeats = (int)Math.Clamp(2e8 / work, 1, 2000);

        Samples share = new(), speed = new(), ratio = new();
        double Ours() => Time(pool.Workers, repeats, () => MatMul.Run(shape, a.Data, right, c.Data, workspace.Data, pool, set));
        double Theirs() => Time(pool.Workers, repeats, () => blas!.Multiply(
            pool.Workers, shape.TransposeA, transposeB, m, n, k, a.Data, shape.TransposeA ? m : k, b.Data, transposeB ? k : n, c.Data, n));
        Ours();
        var pairs = work > 2e10 ? Math.Max(3, report.Pairs / 4) : report.Pairs;
        for (var i = 0; i < pairs; i++)
        {
            var peak = Peak(pool, set);
            var ours = Ours();
            peak = Math.Max(peak, Peak(pool, set));
            share.Add(work / ours / peak);
            speed.Add(work / ours / 1e9);
            if (blas is not null)
                ratio.Add(Theirs() / ours);
        }
        report.Line($"| {name} | {m}×{n}×{k} | {pool.Workers} | {speed.Median:F1} | {share.Percent} | {(blas is null ? "" : ratio.ToString())} |");
    }

    private static double Peak(WorkerPool pool, InstructionSet set)
    {
        if (pool.Workers > 1)
            return MachinePeak.Flops(pool, pool.Workers, set, 1);
        // One thread: by its processor time, like the product itself.
        var before = Clock.Seconds(1);
        var wall = System.Diagnostics.Stopwatch.GetTimestamp();
        var rate = MachinePeak.Flops(pool, 1, set, 1);
        return rate * System.Diagnostics.Stopwatch.GetElapsedTime(wall).TotalSeconds / (Clock.Seconds(1) - before);
    }

    private static double Time(int threads, int repeats, Action action)
    {
        var before = Clock.Seconds(threads);
        for (var i = 0; i < repeats; i++)
            action();
        return (Clock.Seconds(threads) - before) / repeats;
    }

    /// <summary>Aligned memory with random contents.</summary>
    private sealed class Buffer : IDisposable
    {
        public Buffer(long floats)
        {
            Data = (float*)NativeMemory.AlignedAlloc((nuint)Math.Max(floats, 16) * 4, 64);
            var random = new Random(7);
            for (long i = 0; i < floats; i++)
                Data[i] = random.NextSingle() - 0.5f;
        }

        public float* Data { get; }

        public void Dispose() => NativeMemory.AlignedFree(Data);
    }
}
