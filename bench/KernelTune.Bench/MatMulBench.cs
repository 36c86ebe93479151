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
            if (threads == 1 && report.Filter.Length == 0)
                MeasureTile(report, pool);
            foreach (var (name, shape) in Cases())
                if ($"{name} {shape.M}x{shape.N}x{shape.K}".Contains(report.Filter, StringComparison.Ordinal))
                    Measure(report, pool, blas, name, shape);
        }
    }

    private static IEnumerable<(string, MatMulShape)> Cases()
    {
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
        var measure = new Yardstick(pool, report.Pairs);
        measure.Measure(
            2.0 * m * n * k,
            () => MatMul.Run(shape, a.Data, right, c.Data, workspace.Data, pool, set),
            blas is null ? null : () => blas.Multiply(
                pool.Workers, shape.TransposeA, transposeB, m, n, k, a.Data, shape.TransposeA ? m : k, b.Data, transposeB ? k : n, c.Data, n));
        var speed = 2e-9 * m * n * k / measure.Seconds.Median;
        report.Line($"| {name} | {m}×{n}×{k} | {pool.Workers} | {speed:F1} | {measure.Share.Percent} | {(blas is null ? "" : measure.Ratio.ToString())} |");
    }

    /// <summary>The inner kernel alone, its operands in the first- and second-level cache.</summary>
    private static void MeasureTile(Report report, WorkerPool pool)
    {
        const int Tiles = 8, K = 384;
        var set = InstructionSets.Best;
        var height = MatMulTile.Rows(set);
        using Buffer a = new(Tiles * height * K), b = new(K * MatMulTile.Columns + 1024), c = new(Tiles * height * MatMulTile.Columns);
        var measure = new Yardstick(pool, report.Pairs);
        measure.Measure(2.0 * Tiles * height * MatMulTile.Columns * K, () =>
        {
            for (var t = 0; t < Tiles; t++)
                MatMulTile.Run(
                    set, height, K, a.Data + t * height * K, height, b.Data, MatMulTile.Columns, c.Data + t * height * MatMulTile.Columns, MatMulTile.Columns, false);
        });
        report.Line($"| microkernel {set} | {height}×{MatMulTile.Columns}×{K} | 1 | | {measure.Share.Percent} | |");
    }
}
