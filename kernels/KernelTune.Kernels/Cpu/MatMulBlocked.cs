using KernelTune.Kernels.Numerics;

namespace KernelTune.Kernels.Cpu;

/// <summary>
/// The product of large operands. K is passed over in up to four blocks at a time; per pass the threads pack panels of B together,
/// once (a packed weight is read as it lies), then take items: a block of rows of C × a run of panels. A thread packs its block of rows
/// of A into its second-level cache and keeps it while its items stay in that block; a panel of B passes over it, k block by k block.
/// </summary>
internal static unsafe class MatMulBlocked
{
    // What a thread's packed A holds stands in a line before it.
    private const int HeaderBytes = 64;

    public static nuint Workspace(in MatMulShape shape, int threads, InstructionSet set) =>
        (nuint)threads * SlotBytes(shape, set) + RightBytes(shape) + RankBytes(shape);

    public static void Run<TRight, TEpilogue>(
        in MatMulShape shape, float* a, TRight right, float* c, in MatMulRank rank, in TEpilogue epilogue, byte* workspace, WorkerPool? pool,
        InstructionSet set)
        where TRight : struct, IRightOperand
        where TEpilogue : struct, ITileEpilogue
    {
        var workers = pool?.Workers ?? 1;
        var slot = SlotBytes(shape, set);
        for (var w = 0; w < workers; w++)
            *(long*)(workspace + (nuint)w * slot) = -1;
        var packed = (float*)(workspace + (nuint)workers * slot);
        var rankPacked = (float*)((byte*)packed + RightBytes(shape));
        if (shape.Rank > 0)
        {
            var ranks = new PackLoop<TransposedRight>
            {
                Set = set, Right = new TransposedRight(rank.B, rank.LdB, shape.N), Count = shape.Rank, To = rankPacked,
            };
            MatMulBlocking.Loop(pool, MatMulBlocking.Panels(shape.N), ref ranks);
        }

        var panels = MatMulBlocking.Panels(shape.N);
        var step = TRight.IsPacked ? panels : MatMulBlocking.PanelBlock(shape.N, shape.K);
        var rowBlock = MatMulBlocking.RowBlock(shape.M, shape.K, set);
        var tiles = new TileLoop<TRight, TEpilogue>
        {
            Set = set, Shape = shape, A = a, C = c, Right = right, Rank = rank, Epilogue = epilogue, Slots = workspace, SlotBytes = slot,
            RightPacked = packed, RankPacked = rankPacked, RowBlock = rowBlock, RowBlocks = (shape.M + rowBlock - 1) / rowBlock,
        };
        var outer = MatMulBlocking.KOuter(shape.K);
        // K = 0 is one pass over nothing: it writes the empty sums.
        var k0 = 0;
        do
        {
            var count = Math.Min(outer, shape.K - k0);
            for (var p0 = 0; p0 < panels; p0 += step)
            {
                var some = Math.Min(step, panels - p0);
                if (!TRight.IsPacked)
                {
                    var pack = new PackLoop<TRight> { Set = set, Right = right, First = p0, K0 = k0, Count = count, To = packed };
                    MatMulBlocking.Loop(pool, some, ref pack);
                }
                tiles.K0 = k0;
                tiles.Count = count;
                tiles.FirstPanel = p0;
                tiles.PanelCount = some;
                // Several items a thread even out threads that are not equally fast; one thread has nobody to wait for.
                tiles.Runs = workers == 1 ? 1 : Math.Clamp((6 * workers + tiles.RowBlocks - 1) / tiles.RowBlocks, 1, some);
                MatMulBlocking.Loop(pool, tiles.RowBlocks * tiles.Runs, ref tiles);
            }
            k0 += outer;
        }
        while (k0 < shape.K);
    }

    private static nuint SlotBytes(in MatMulShape shape, InstructionSet set) =>
        HeaderBytes + MatMulBlocking.Lines((long)MatMulBlocking.RowBlock(shape.M, shape.K, set) * (MatMulBlocking.KOuter(shape.K) + shape.Rank));

    private static nuint RightBytes(in MatMulShape shape) => shape.Right == MatMulRight.Packed ? 0 :
        MatMulBlocking.Lines((long)MatMulBlocking.PanelBlock(shape.N, shape.K) * MatMulTile.Columns * MatMulBlocking.KOuter(shape.K));

    private static nuint RankBytes(in MatMulShape shape) =>
        MatMulBlocking.Lines((long)MatMulBlocking.Panels(shape.N) * MatMulTile.Columns * shape.Rank);

    private struct PackLoop<TRight> : IParallelBody where TRight : struct, IRightOperand
    {
        public InstructionSet Set;
        public TRight Right;
        public int First, K0, Count;
        public float* To;

        public readonly void Execute(int item, int worker) =>
            Right.Pack(Set, First + item, K0, Count, To + (nint)item * Count * MatMulTile.Columns);
    }

    private struct TileLoop<TRight, TEpilogue> : IParallelBody
        where TRight : struct, IRightOperand
        where TEpilogue : struct, ITileEpilogue
    {
        public InstructionSet Set;
        public MatMulShape Shape;
        public float* A, C;
        public TRight Right;
        public MatMulRank Rank;
        public TEpilogue Epilogue;
        public byte* Slots;
        public nuint SlotBytes;
        public float* RightPacked, RankPacked;
        public int RowBlock, RowBlocks, Runs, K0, Count, FirstPanel, PanelCount;

        public readonly void Execute(int item, int worker)
        {
            // Neighbouring items are different rows, so that threads in step each keep to rows of their own.
            int block = item % RowBlocks, run = item / RowBlocks;
            var row = block * RowBlock;
            var rows = Math.Min(RowBlock, Shape.M - row);
            var height = MatMulTile.Rows(Set);
            var tiles = (rows + height - 1) / height;
            var left = PackedLeft(block, row, rows, worker);
            var rankLeft = left + (nint)RowBlock * Count;

            var kBlock = MatMulBlocking.KBlock(Shape.K);
            var last = FirstPanel + (int)((long)PanelCount * (run + 1) / Runs);
            for (var panel = FirstPanel + (int)((long)PanelCount * run / Runs); panel < last; panel++)
            {
                var column = panel * MatMulTile.Columns;
                var columns = Math.Min(MatMulTile.Columns, Shape.N - column);
                var k = 0;
                do
                {
                    var count = Math.Min(kBlock, Count - k);
                    var b = TRight.IsPacked
                        ? Right.Panel(panel, K0 + k)
                        : RightPacked + ((nint)(panel - FirstPanel) * Count + k) * MatMulTile.Columns;
                    var add = Shape.Add || K0 + k > 0;
                    var final = K0 + k + count >= Shape.K;
                    for (var t = 0; t < tiles; t++)
                    {
                        var first = PackingLeft.First(rows, t, tiles);
                        var tall = PackingLeft.First(rows, t + 1, tiles) - first;
                        var tile = C + (row + first) * Shape.LdC + column;
                        var slice = left + ((nint)t * Count + k) * height;
                        MatMulTile.RunPartial(Set, tall, columns, count, slice, height, b, MatMulTile.Columns, tile, Shape.LdC, add);
                        if (!final)
                            continue;
                        if (Shape.Rank > 0)
                            MatMulTile.RunPartial(
                                Set, tall, columns, Shape.Rank, rankLeft + (nint)t * height * Shape.Rank, height,
                                RankPacked + (nint)column * Shape.Rank, MatMulTile.Columns, tile, Shape.LdC, add: true);
                        if (!TEpilogue.IsNothing)
                            Epilogue.Apply(tile, Shape.LdC, row + first, column, tall, columns);
                    }
                    k += kBlock;
                }
                while (k < Count);
            }
        }

        private readonly float* PackedLeft(int block, int row, int rows, int worker)
        {
            var slot = Slots + (nuint)worker * SlotBytes;
            var left = (float*)(slot + HeaderBytes);
            var content = ((long)K0 << 32) + block;
            if (*(long*)slot == content)
                return left;
            var from = A + (Shape.TransposeA ? row + K0 * Shape.LdA : row * Shape.LdA + K0);
            PackingLeft.Run(Set, Shape.TransposeA, from, Shape.LdA, rows, Count, left);
            if (Shape.Rank > 0 && K0 + Count >= Shape.K)
                PackRank(row, rows, left + (nint)RowBlock * Count);
            *(long*)slot = content;
            return left;
        }

        private readonly void PackRank(int row, int rows, float* to)
        {
            PackingLeft.Run(Set, transposed: false, Rank.T + row * Rank.LdT, Rank.LdT, rows, Shape.Rank, to);
            var height = MatMulTile.Rows(Set);
            var tiles = (rows + height - 1) / height;
            for (var t = 0; t < tiles; t++, to += (nint)height * Shape.Rank)
            {
                var tall = PackingLeft.First(rows, t + 1, tiles) - PackingLeft.First(rows, t, tiles);
                for (var k = 0; k < Shape.Rank; k++)
                    for (var r = 0; r < tall; r++)
                        to[k * height + r] *= Rank.Scale;
            }
        }
    }
}
