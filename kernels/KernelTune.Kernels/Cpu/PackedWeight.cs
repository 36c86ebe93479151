using KernelTune.Kernels.Numerics;

namespace KernelTune.Kernels.Cpu;

/// <summary>
/// The one form in which a frozen fp32 weight W [N, K] is kept, for every instruction set: panels of 32 output rows, element (n, k) at
/// ((n / 32)·K + k)·32 + n mod 32, N padded with zeros. Any slice of k of a panel is contiguous, and the panel is B of y = x·Wᵀ as it
/// stands; dX = dY·W transposes it in cache; a row is a look-up in an embedding table.
/// </summary>
public static unsafe class PackedWeight
{
    /// <summary>Rows of a panel.</summary>
    public const int PanelRows = MatMulTile.Columns;

    /// <summary>Floats that a packed [n, k] occupies.</summary>
    public static long Floats(long n, long k) => (n + PanelRows - 1) / PanelRows * PanelRows * k;

    /// <summary>Packs row-major W: element (n, k) at n·ld + k.</summary>
    public static void Pack(InstructionSet set, WorkerPool pool, float* weight, nint ld, int n, int k, float* to) =>
        Pack(set, pool, new TransposedRight(weight, ld, n), n, k, to);

    /// <summary>Packs W stored the other way round, as GPT-2 stores its layers: element (n, k) at k·ld + n.</summary>
    public static void PackTransposed(InstructionSet set, WorkerPool pool, float* weight, nint ld, int n, int k, float* to) =>
        Pack(set, pool, new RowsRight(weight, ld, n), n, k, to);

    /// <summary>Writes W row-major: element (n, k) at n·ld + k.</summary>
    public static void Unpack(InstructionSet set, WorkerPool pool, float* packed, int n, int k, float* to, nint ld)
    {
        var loop = new UnpackLoop { Set = set, From = packed, N = n, K = k, To = to, Ld = ld };
        pool.Run(MatMulBlocking.Panels(n), ref loop);
    }

    /// <summary>Reads row <paramref name="row"/> of W [N, K]: K floats.</summary>
    public static void GatherRow(float* packed, int k, long row, float* to)
    {
        var from = packed + row / PanelRows * k * PanelRows + row % PanelRows;
        for (var i = 0; i < k; i++)
            to[i] = from[(nint)i * PanelRows];
    }

    private static void Pack<TRight>(InstructionSet set, WorkerPool pool, TRight right, int n, int k, float* to) where TRight : struct, IRightOperand
    {
        var loop = new PackLoop<TRight> { Set = set, Right = right, K = k, To = to };
        pool.Run(MatMulBlocking.Panels(n), ref loop);
    }

    private struct PackLoop<TRight> : IParallelBody where TRight : struct, IRightOperand
    {
        public InstructionSet Set;
        public TRight Right;
        public int K;
        public float* To;

        public readonly void Execute(int item, int worker) => Right.Pack(Set, item, 0, K, To + (nint)item * K * PanelRows);
    }

    private struct UnpackLoop : IParallelBody
    {
        public InstructionSet Set;
        public float* From, To;
        public int N, K;
        public nint Ld;

        public readonly void Execute(int item, int worker)
        {
            var first = item * PanelRows;
            // A panel is [K, 32]: its transpose is 32 rows of W.
            PackingTranspose.Run(Set, From + (nint)first * K, PanelRows, K, Math.Min(PanelRows, N - first), To + first * Ld, Ld);
        }
    }
}
