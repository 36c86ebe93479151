using KernelTune.Kernels.Cpu;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Kernels.Tests.MatMul;

public sealed unsafe class MatMulBatchTests
{
    // Heads share B (its head stride is 0); C's heads are interleaved, as attention's [B, T, H, D] is.
    [TestCase(5, 4, 3, 7, 9, 11)]
    [TestCase(2, 1, 2, 40, 33, 70)]
    [TestCase(3, 2, 1, 1, 1, 1)]
    [TestCase(1, 2, 1, 450, 448, 400)]
    public void A_batch_of_two_axes_with_repeated_operands(int workers, int batch, int heads, int m, int n, int k)
    {
        using var pool = new WorkerPool(workers);
        var ldC = heads * n;
        var shape = MatMulShape.Nt(m, n, k) with
        {
            LdC = ldC, Batch = batch, Heads = heads,
            BatchStride = (heads * m * k, n * k, m * ldC), HeadStride = (m * k, 0, n),
        };
        using var a = Floats.Random(batch * heads * m * k, 1);
        using var b = Floats.Random(batch * n * k, 2);
        Floats? first = null;
        foreach (var set in Enum.GetValues<InstructionSet>().Where(InstructionSets.IsSupported))
        {
            var c = new Floats(batch * m * ldC);
            using var workspace = Floats.Bytes(Kernels.Cpu.MatMul.Workspace(shape, workers, set));
            Kernels.Cpu.MatMul.Run(shape, a.Pointer, b.Pointer, c.Pointer, workspace.Pointer, pool, set);
            Assert.That(workspace.Intact && c.Intact, Is.True);
            if (first is not null)
            {
                Assert.That(c.BitsDiffering(first), Is.Zero, $"{set}");
                c.Dispose();
                continue;
            }
            first = c;
            for (var g = 0; g < batch; g++)
                for (var h = 0; h < heads; h++)
                    for (var s = 0; s < Math.Min(m * n, 500); s++)
                    {
                        var (i, j) = (s * 7919L % (m * n) / n, s * 7919L % (m * n) % n);
                        var sum = 0.0;
                        for (var p = 0; p < k; p++)
                            sum += (double)a.Pointer[((g * heads + h) * m + i) * k + p] * b.Pointer[(g * n + j) * k + p];
                        Assert.That(c.Pointer[(g * m + i) * ldC + h * n + j], Is.EqualTo(sum).Within(3e-5), $"{g} {h} {i} {j}");
                    }
        }
        first?.Dispose();
    }

    [Test]
    public void The_reference_product_follows_any_strides()
    {
        double[] a = [1, 2, 3, 4, 5, 6], b = [7, 8, 9, 10, 11, 12], c = [1, 1, 1, 1];
        fixed (double* pa = a, pb = b, pc = c)
            MatMulReference.Run(2, 2, 3, 0.5, pa, 3, 1, pb, 2, 1, 2, pc, 1, 2);
        Assert.That(c, Is.EqualTo(new[] { 2 + 29.0, 2 + 69.5, 2 + 32.0, 2 + 77.0 }));
    }
}
