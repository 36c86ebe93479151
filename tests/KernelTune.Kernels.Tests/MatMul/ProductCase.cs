using KernelTune.Kernels.Cpu;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Kernels.Tests.MatMul;

/// <summary>One product with its operands, run any number of times and compared with a sum in double precision.</summary>
internal sealed unsafe class ProductCase : IDisposable
{
    private readonly MatMulShape shape;
    private readonly int outputs, ldC;
    private readonly Floats a, b, c0;
    private readonly Floats? bias, residual, t, rankB;
    private const float Scale = 0.75f;

    public ProductCase(MatMulShape shape, bool epilogue = false, int rank = 0)
    {
        // Rows are a little longer than they need be, so that strides are tested too.
        var (m, n, k) = (shape.M, shape.N, shape.K);
        var (aRows, aColumns) = shape.TransposeA ? (k, m) : (m, k);
        var (bRows, bColumns) = shape.Right is MatMulRight.Transposed or MatMulRight.Packed ? (n, k) : (k, n);
        ldC = n + 3;
        this.shape = shape = shape with { LdA = aColumns + 1, LdB = bColumns + 2, LdC = ldC, Rank = rank };
        a = Floats.Random((long)aRows * shape.LdA, 1);
        BRows = Floats.Random((long)bRows * shape.LdB, 2);
        b = BRows;
        if (shape.Right is MatMulRight.Packed or MatMulRight.PackedRows)
        {
            using var pool = new WorkerPool(1);
            b = new Floats(PackedWeight.Floats(bRows, bColumns));
            PackedWeight.Pack(InstructionSets.Best, pool, BRows.Pointer, shape.LdB, bRows, bColumns, b.Pointer);
        }
        outputs = m * ldC;
        c0 = Floats.Random(outputs, 3);
        if (epilogue)
        {
            bias = Floats.Random(n, 4);
            residual = Floats.Random((long)m * (n + 1), 5);
        }
        if (rank > 0)
        {
            t = Floats.Random((long)m * rank, 6);
            rankB = Floats.Random((long)n * rank, 7);
        }
    }

    private Floats BRows { get; }

    /// <summary>C after the product, with the workspace's and every operand's guards checked.</summary>
    public Floats Run(InstructionSet set, WorkerPool pool)
    {
        var c = c0.Copy();
        var bytes = Kernels.Cpu.MatMul.Workspace(shape, pool.Workers, set);
        using var workspace = Floats.Bytes(bytes);
        if (bias is null && t is null)
            Kernels.Cpu.MatMul.Run(shape, a.Pointer, b.Pointer, c.Pointer, workspace.Pointer, pool, set);
        else
        {
            var rank = t is null ? default : new MatMulRank(t.Pointer, shape.Rank, rankB!.Pointer, shape.Rank, Scale);
            var epilogue = bias is null ? default : new LinearEpilogue(bias.Pointer, residual!.Pointer, shape.N + 1);
            Kernels.Cpu.MatMul.Run(shape, a.Pointer, b.Pointer, c.Pointer, rank, epilogue, workspace.Pointer, pool, set);
        }
        Assert.That(workspace.Intact && c.Intact, Is.True, $"{this} {set}: wrote outside its memory");
        return c;
    }

    /// <summary>Checks against the double sum (a sample of it where there are many elements), and that gaps between rows are untouched.</summary>
    public void Check(Floats c, string how)
    {
        var (m, n, k) = (shape.M, shape.N, shape.K);
        var random = new Random(9);
        var all = (double)m * n * k <= 4e6;
        for (var i = 0; i < m; i++)
            for (var j = n; j < ldC; j++)
                Assert.That(c.Pointer[i * ldC + j], Is.EqualTo(c0.Pointer[i * ldC + j]), $"{this} {how}: gap after row {i}");
        var samples = all ? m * n : 4000;
        for (var s = 0; s < samples; s++)
        {
            var (i, j) = all ? (s / n, s % n) : (random.Next(m), random.Next(n));
            double sum = 0, size = 1e-30;
            void Term(double x)
            {
                sum += x;
                size += Math.Abs(x);
            }
            for (var p = 0; p < k; p++)
                Term((double)A(i, p) * B(p, j));
            for (var p = 0; p < shape.Rank; p++)
                Term((double)Scale * t!.Pointer[i * shape.Rank + p] * rankB!.Pointer[j * shape.Rank + p]);
            if (shape.Add)
                Term(c0.Pointer[i * ldC + j]);
            if (bias is not null)
            {
                Term(bias.Pointer[j]);
                Term(residual!.Pointer[i * (n + 1) + j]);
            }
            if (Math.Abs(c.Pointer[i * ldC + j] - sum) > 1e-6 * size)
                Assert.Fail($"{this} {how}: element ({i}, {j}) is {c.Pointer[i * ldC + j]}, wanted {sum}");
        }
    }

    public override string ToString() =>
        $"{(shape.TransposeA ? "T" : "N")} {shape.Right} {shape.M}x{shape.N}x{shape.K}{(shape.Add ? " add" : "")} rank {shape.Rank} via {Kernels.Cpu.MatMul.PathOf(shape)}";

    public void Dispose()
    {
        foreach (var f in new[] { a, BRows, b, c0, bias, residual, t, rankB }.Distinct())
            f?.Dispose();
    }

    private float A(int i, int p) => a.Pointer[shape.TransposeA ? p * shape.LdA + i : i * shape.LdA + p];

    private float B(int p, int j) =>
        BRows.Pointer[shape.Right is MatMulRight.Transposed or MatMulRight.Packed ? j * shape.LdB + p : p * shape.LdB + j];
}
