using KernelTune.Kernels.Numerics;

namespace KernelTune.Kernels.Cpu;

/// <summary>
/// How a product is cut. The cut of K (<see cref="KBlock"/>) decides the order of sums: it depends on K alone. The other cuts
/// decide speed and workspace alone, so they may depend on the instruction set and on how many threads there are.
/// </summary>
internal static class MatMulBlocking
{
    /// <summary>The longest chain of sums. A slice of a panel of B, 384 × 32, is 48 KB: it stays in L2 while rows of A pass.</summary>
    private const int MaximumKBlock = 384;

    /// <summary>Bytes of packed A that a thread keeps in its L2 (1 MB on the machines measured), beside B's slices.</summary>
    private const int LeftBytes = 640 << 10;

    /// <summary>Bytes of packed B that the threads share in L3.</summary>
    private const int RightBytes = 4 << 20;

    /// <summary>Multiply-adds below which waking another thread costs more than it saves.</summary>
    private const double SerialWork = 2e6;

    /// <summary>Multiply-adds of one product of a batch up to which each is done by one thread.</summary>
    private const double OneThreadWork = 6.4e7;

    /// <summary>Length of one chain of sums: K in equal blocks of at most 384, in multiples of 8.</summary>
    public static int KBlock(int k)
    {
        if (k <= MaximumKBlock)
            return Math.Max(k, 1);
        var blocks = (k + MaximumKBlock - 1) / MaximumKBlock;
        return ((k + blocks - 1) / blocks + 7) & ~7;
    }

    /// <summary>How much of K is packed at once: up to four blocks, so that C is seldom revisited.</summary>
    public static int KOuter(int k)
    {
        var block = KBlock(k);
        var blocks = Math.Max(1, (k + block - 1) / block);
        var passes = (blocks + 3) / 4;
        return Math.Max(1, Math.Min(k, (blocks + passes - 1) / passes * block));
    }

    /// <summary>Rows of A that a thread packs at once: tiles enough to fill its share of L2, in near-equal blocks.</summary>
    public static int RowBlock(int m, int k, InstructionSet set)
    {
        var height = MatMulTile.Rows(set);
        var most = Math.Max(1, LeftBytes / 4 / KOuter(k) / height);
        var tiles = (m + height - 1) / height;
        var blocks = (tiles + most - 1) / most;
        return Math.Max(1, (tiles + blocks - 1) / Math.Max(1, blocks)) * height;
    }

    /// <summary>Panels of B that are packed at once.</summary>
    public static int PanelBlock(int n, int k)
    {
        var panels = Panels(n);
        var most = Math.Max(1, RightBytes / 4 / MatMulTile.Columns / KOuter(k));
        var blocks = (panels + most - 1) / most;
        return Math.Max(1, (panels + blocks - 1) / Math.Max(1, blocks));
    }

    /// <summary>Panels of 32 columns.</summary>
    public static int Panels(int n) => (n + MatMulTile.Columns - 1) / MatMulTile.Columns;

    /// <summary>True when the product of one operand pair is one thread's.</summary>
    // A row or two is bound by reading B: half a megabyte is worth a second thread however few the multiply-adds.
    public static bool Serial(in MatMulShape shape) => shape.Work < SerialWork && (double)shape.K * shape.N < 1 << 17;

    /// <summary>True when the threads take whole products of the batch rather than sharing each.</summary>
    public static bool OneThreadEach(in MatMulShape shape) => shape.Products > 1 && shape.Work <= OneThreadWork;

    /// <summary>Runs a loop on the pool, or on the calling thread when there is none.</summary>
    public static void Loop<TBody>(WorkerPool? pool, int count, ref TBody body) where TBody : struct, IParallelBody
    {
        if (pool is not null)
            pool.Run(count, ref body);
        else
            for (var i = 0; i < count; i++)
                body.Execute(i, 0);
    }

    /// <summary>Bytes rounded up to whole cache lines.</summary>
    public static nuint Lines(long floats) => (nuint)((floats * 4 + 63) & ~63L);
}
