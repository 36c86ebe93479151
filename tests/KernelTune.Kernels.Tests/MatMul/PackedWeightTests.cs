using KernelTune.Kernels.Cpu;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Kernels.Tests.MatMul;

public sealed unsafe class PackedWeightTests
{
    [Test]
    public void A_packed_weight_lies_as_documented_and_reads_back(
        [Values] InstructionSet set, [Values(1, 31, 32, 33, 100)] int n, [Values(1, 8, 19, 64)] int k, [Values] bool transposed)
    {
        if (!InstructionSets.IsSupported(set))
            Assert.Ignore($"no {set} here");
        using var pool = new WorkerPool(2);
        using var weight = Floats.Random(n * k, 1);
        using var packed = new Floats(PackedWeight.Floats(n, k));
        if (transposed)
            PackedWeight.PackTransposed(set, pool, weight.Pointer, n, n, k, packed.Pointer);
        else
            PackedWeight.Pack(set, pool, weight.Pointer, k, n, k, packed.Pointer);
        Assert.That(packed.Intact, Is.True);
        for (var i = 0; i < (n + 31) / 32 * 32; i++)
            for (var j = 0; j < k; j++)
            {
                var wanted = i >= n ? 0 : transposed ? weight.Pointer[j * n + i] : weight.Pointer[i * k + j];
                Assert.That(packed.Pointer[(i / 32 * k + j) * 32 + i % 32], Is.EqualTo(wanted), $"({i}, {j})");
            }

        using var back = new Floats(n * k);
        PackedWeight.Unpack(set, pool, packed.Pointer, n, k, back.Pointer, k);
        Assert.That(back.Intact, Is.True);
        using var row = new Floats(k);
        for (var i = 0; i < n; i++)
        {
            PackedWeight.GatherRow(packed.Pointer, k, i, row.Pointer);
            for (var j = 0; j < k; j++)
            {
                var wanted = transposed ? weight.Pointer[j * n + i] : weight.Pointer[i * k + j];
                Assert.That(row.Pointer[j], Is.EqualTo(wanted), $"row {i}, {j}");
                Assert.That(back.Pointer[i * k + j], Is.EqualTo(wanted), $"unpacked {i}, {j}");
            }
        }
    }
}
