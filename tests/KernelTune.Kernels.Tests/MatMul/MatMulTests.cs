using KernelTune.Kernels.Cpu;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Kernels.Tests.MatMul;

public sealed class MatMulTests
{
    private static readonly InstructionSet[] Sets = [.. Enum.GetValues<InstructionSet>().Where(InstructionSets.IsSupported)];

    // Operands in storage of their own go through RunDecoded: DecodedWeightTests of the devices.
    private static readonly MatMulRight[] Plain = [MatMulRight.Rows, MatMulRight.Transposed, MatMulRight.Packed, MatMulRight.PackedRows];

    private static readonly (int M, int N, int K)[] SmallShapes =
    [
        (0, 5, 3), (5, 0, 3), (5, 7, 0), (1, 1, 1), (1, 33, 65), (33, 1, 65), (7, 8, 9), (13, 31, 17), (14, 32, 16), (15, 33, 18),
        (6, 16, 8), (20, 8, 40), (64, 8, 600), (8, 100, 530), (37, 70, 385), (3, 64, 769), (100, 40, 5), (29, 65, 1030), (16, 200, 33),
        (17, 17, 15), (2, 2, 3000), (300, 9, 20), (50, 96, 384),
    ];

    [Test]
    public void Products_equal_a_double_sum_in_the_same_bits_for_every_instruction_set_and_thread_count(
        [Values] bool transposeA, [ValueSource(nameof(Plain))] MatMulRight right, [Values] bool add)
    {
        var pools = new[] { new WorkerPool(1), new WorkerPool(2), new WorkerPool(3) };
        foreach (var (m, n, k) in SmallShapes)
            Agree(new MatMulShape { M = m, N = n, K = k, TransposeA = transposeA, Right = right, Add = add }, pools);
        foreach (var pool in pools)
            pool.Dispose();
    }

    [Test]
    public void Epilogues_and_rank_terms_are_added([ValueSource(nameof(Plain))] MatMulRight right, [Values] bool epilogue, [Values(0, 1, 8, 19)] int rank)
    {
        var pools = new[] { new WorkerPool(1), new WorkerPool(3) };
        foreach (var (m, n, k) in new[] { (1, 70, 50), (5, 7, 0), (15, 33, 385), (40, 100, 900), (16, 64, 30), (200, 8, 70), (300, 300, 40) })
            Agree(new MatMulShape { M = m, N = n, K = k, Right = right }, pools, epilogue, rank);
        Agree(new MatMulShape { M = 60, N = 9, K = 50, Right = MatMulRight.Rows, TransposeA = true }, pools, epilogue);
        foreach (var pool in pools)
            pool.Dispose();
    }

    // Without the optimiser these take minutes, and assert nothing in the kernels that the small shapes do not.
#if !DEBUG
    // What SmolLM2-135M (576, 192, 1536) and GPT-2 (768, 2304, 3072) multiply at 512 tokens: forward, dX, dW.
    [TestCase(512, 576, 576)]
    [TestCase(512, 192, 576)]
    [TestCase(512, 1536, 576)]
    [TestCase(512, 576, 1536)]
    [TestCase(256, 2304, 768)]
    [TestCase(256, 768, 3072)]
    public void The_models_layers(int tokens, int outputs, int inputs)
    {
        var pools = new[] { new WorkerPool(1), new WorkerPool(2), new WorkerPool(3) };
        Agree(new MatMulShape { M = tokens, N = outputs, K = inputs, Right = MatMulRight.Packed }, pools, epilogue: true, rank: 8);
        Agree(new MatMulShape { M = tokens, N = outputs, K = inputs, Right = MatMulRight.Transposed }, pools);
        Agree(new MatMulShape { M = tokens, N = inputs, K = outputs, Right = MatMulRight.PackedRows, Add = true }, pools, rank: 8);
        Agree(new MatMulShape { M = tokens, N = inputs, K = outputs, Right = MatMulRight.Rows }, pools);
        Agree(new MatMulShape { M = outputs, N = inputs, K = tokens, TransposeA = true, Right = MatMulRight.Rows, Add = true }, pools);
        Agree(new MatMulShape { M = tokens, N = 8, K = inputs, Right = MatMulRight.Transposed }, pools);
        Agree(new MatMulShape { M = tokens, N = outputs, K = 8, Right = MatMulRight.Transposed, Add = true }, pools);
        Agree(new MatMulShape { M = tokens, N = 8, K = outputs, Right = MatMulRight.Rows }, pools);
        Agree(new MatMulShape { M = 8, N = inputs, K = tokens, TransposeA = true, Right = MatMulRight.Rows, Add = true }, pools);
        Agree(new MatMulShape { M = outputs, N = 8, K = tokens, TransposeA = true, Right = MatMulRight.Rows, Add = true }, pools);
        Agree(new MatMulShape { M = 1, N = outputs, K = inputs, Right = MatMulRight.Packed }, pools);
        foreach (var pool in pools)
            pool.Dispose();
    }

    // The head over 49,152 words; the portable kernel has no place in a product of this size.
    [Test]
    public void The_head_forward_and_backward()
    {
        using var one = new WorkerPool(1);
        using var two = new WorkerPool(2);
        foreach (var shape in new[]
        {
            new MatMulShape { M = 64, N = 49_152, K = 576, Right = MatMulRight.Packed },
            new MatMulShape { M = 64, N = 576, K = 49_152, Right = MatMulRight.PackedRows },
            new MatMulShape { M = 1, N = 49_152, K = 576, Right = MatMulRight.Packed },
            new MatMulShape { M = 1, N = 49_152, K = 576, Right = MatMulRight.Transposed },
        })
            Agree(shape, [one, two], sets: [.. Sets.Where(s => s != InstructionSet.Portable)]);
    }
#endif

    private static void Agree(MatMulShape shape, WorkerPool[] pools, bool epilogue = false, int rank = 0, InstructionSet[]? sets = null)
    {
        using var product = new ProductCase(shape, epilogue, rank);
        Floats? first = null;
        foreach (var set in sets ?? Sets)
            foreach (var pool in pools)
            {
                var c = product.Run(set, pool);
                if (first is null)
                {
                    product.Check(c, $"{set}, {pool.Workers} threads");
                    first = c;
                    continue;
                }
                var differing = first.BitsDiffering(c);
                c.Dispose();
                Assert.That(differing, Is.Zero, $"{product} {set}, {pool.Workers} threads: elements with other bits");
            }
        first?.Dispose();
    }
}
