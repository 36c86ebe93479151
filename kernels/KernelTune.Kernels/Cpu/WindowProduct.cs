using System.Runtime.CompilerServices;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Kernels.Cpu;

/// <summary>A product [M, K] · [K, N].</summary>
internal readonly record struct WindowExtents(int M, int N, int K);

/// <summary>
/// The product of large operands, as <see cref="MatMulBlocked"/> cuts it, whose right operand is made of windows while it is packed and whose columns belong to planes of images. Each element
/// is summed in an order that K alone decides.
/// </summary>
internal static unsafe class WindowProduct
{
    // What a thread's packed rows hold stands in a line before them.
    private const int HeaderBytes = 64;

    // Multiply-adds below which waking another thread costs more than it saves.
    private const double SerialWork = 2e6;

    /// <summary>Bytes of workspace of <see cref="Run"/> with so many threads. They do not grow evenly with the extents: a smaller product is cut otherwise and may want more.</summary>
    public static nuint Workspace(WindowExtents extents, int threads, InstructionSet set) => ((nuint)threads * SlotBytes(extents.M, extents.K, set)) + RightBytes(extents.N, extents.K);

    /// <summary>target = (target +) left [M, K] · right [K, N] (+ bias).</summary>
    public static void Run<TLeft, TRight>(WindowExtents extents, TLeft left, TRight right, in WindowTarget target, bool add, byte* workspace, WorkerPool? pool, InstructionSet set)
        where TLeft : struct, ILeftOperand
        where TRight : struct, IRightOperand
    {
        (int m, int n, int k) = extents;
        if ((double)m * n * k < SerialWork)
            pool = null;
        int workers = pool?.Workers ?? 1;
        nuint slot = SlotBytes(m, k, set);
        for (int w = 0; w < workers; w++)
            *(long*)(workspace + ((nuint)w * slot)) = -1;
        float* packed = (float*)(workspace + ((nuint)workers * slot));

        int panels = MatMulBlocking.Panels(n), step = MatMulBlocking.PanelBlock(n, k), outer = MatMulBlocking.KOuter(k), rowBlock = MatMulBlocking.RowBlock(m, k, set);
        var tiles = new TileLoop<TLeft, TRight>
        {
            Set = set, M = m, N = n, K = k, Left = left, Target = target, Add = add, Slots = workspace, SlotBytes = slot, Packed = packed,
            RowBlock = rowBlock, RowBlocks = (m + rowBlock - 1) / rowBlock,
        };
        // K = 0 is one pass over nothing: it writes the empty sums.
        int k0 = 0;
        do
        {
            int count = Math.Min(outer, k - k0);
            for (int p0 = 0; p0 < panels; p0 += step)
            {
                int some = Math.Min(step, panels - p0);
                var pack = new PackLoop<TRight> { Set = set, Right = right, First = p0, K0 = k0, Count = count, To = packed };
                MatMulBlocking.Loop(pool, some, ref pack);
                (tiles.K0, tiles.Count, tiles.FirstPanel, tiles.PanelCount) = (k0, count, p0, some);
                tiles.Runs = workers == 1 ? 1 : Math.Clamp(((6 * workers) + tiles.RowBlocks - 1) / tiles.RowBlocks, 1, some);
                MatMulBlocking.Loop(pool, tiles.RowBlocks * tiles.Runs, ref tiles);
            }
            k0 += outer;
        }
        while (k0 < k);
    }

    private static nuint SlotBytes(int m, int k, InstructionSet set) => HeaderBytes + MatMulBlocking.Lines((long)MatMulBlocking.RowBlock(m, k, set) * MatMulBlocking.KOuter(k));

    private static nuint RightBytes(int n, int k) => MatMulBlocking.Lines((long)MatMulBlocking.PanelBlock(n, k) * MatMulTile.Columns * MatMulBlocking.KOuter(k));

    private struct PackLoop<TRight> : IParallelBody
        where TRight : struct, IRightOperand
    {
        public InstructionSet Set;
        public TRight Right;
        public int First, K0, Count;
        public float* To;

        public readonly void Execute(int item, int worker) => Right.Pack(Set, First + item, K0, Count, To + ((nint)item * Count * MatMulTile.Columns));
    }

    private struct TileLoop<TLeft, TRight> : IParallelBody
        where TLeft : struct, ILeftOperand
    {
        public InstructionSet Set;
        public int M, N, K;
        public TLeft Left;
        public WindowTarget Target;
        public bool Add;
        public byte* Slots;
        public nuint SlotBytes;
        public float* Packed;
        public int RowBlock, RowBlocks, Runs, K0, Count, FirstPanel, PanelCount;

        [SkipLocalsInit]
        public readonly void Execute(int item, int worker)
        {
            nint* places = stackalloc nint[MatMulTile.Columns];
            float* scratch = stackalloc float[MatMulTile.ScratchFloats];
            int block = item % RowBlocks, run = item / RowBlocks, row = block * RowBlock, rows = Math.Min(RowBlock, M - row);
            int height = MatMulTile.Rows(Set), tiles = (rows + height - 1) / height;
            float* left = PackedLeft(block, row, rows, worker);
            int kBlock = MatMulBlocking.KBlock(K), last = FirstPanel + (int)((long)PanelCount * (run + 1) / Runs);
            for (int panel = FirstPanel + (int)((long)PanelCount * run / Runs); panel < last; panel++)
            {
                int column = panel * MatMulTile.Columns, columns = Math.Min(MatMulTile.Columns, N - column);
                bool direct = Target.IsOneRun(column, columns, out nint offset);
                if (!direct)
                    Target.Places(column, columns, places);
                int k = 0;
                do
                {
                    int count = Math.Min(kBlock, Count - k);
                    float* b = Packed + ((((nint)(panel - FirstPanel) * Count) + k) * MatMulTile.Columns);
                    bool add = Add || K0 + k > 0, final = K0 + k + count >= K;
                    for (int t = 0; t < tiles; t++)
                    {
                        int first = PackingLeft.First(rows, t, tiles), tall = PackingLeft.First(rows, t + 1, tiles) - first;
                        float* slice = left + ((((nint)t * Count) + k) * height);
                        if (direct)
                        {
                            float* tile = Target.Start + offset + ((row + first) * Target.Channel);
                            MatMulTile.RunPartial(Set, tall, columns, count, slice, height, b, MatMulTile.Columns, tile, Target.Channel, add);
                            if (final)
                                Target.AddBias(tile, row + first, tall, columns);
                        }
                        else
                        {
                            MatMulTile.Run(Set, tall, count, slice, height, b, MatMulTile.Columns, scratch, MatMulTile.Columns, add: false);
                            Target.Put(scratch, row + first, tall, columns, places, add, final);
                        }
                    }
                    k += kBlock;
                }
                while (k < Count);
            }
        }

        private readonly float* PackedLeft(int block, int row, int rows, int worker)
        {
            byte* slot = Slots + ((nuint)worker * SlotBytes);
            float* left = (float*)(slot + HeaderBytes);
            long content = ((long)K0 << 32) + block;
            if (*(long*)slot != content)
            {
                Left.Pack(Set, row, rows, K0, Count, left);
                *(long*)slot = content;
            }
            return left;
        }
    }
}
