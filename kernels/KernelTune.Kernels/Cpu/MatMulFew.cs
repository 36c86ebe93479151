using KernelTune.Kernels.Numerics;

namespace KernelTune.Kernels.Cpu;

/// <summary>
/// Products with at most a tile's height of rows (or columns): packing the long operand would cost as much as the product, so the tile
/// reads it where it lies. LoRA's weight gradients, dTᵀ·X and dYᵀ·T, are of this kind.
/// </summary>
internal static unsafe class MatMulFew
{
    public static nuint RowsWorkspace(in MatMulShape shape, int threads) =>
        (shape.TransposeA ? 0 : MatMulBlocking.Lines((long)shape.M * shape.K)) + (nuint)threads * EdgeBytes(shape.N, shape.K);

    public static nuint ColumnsWorkspace(in MatMulShape shape, int threads) => (nuint)threads * EdgeBytes(shape.M, shape.K);

    /// <summary>C [M, N] with B stored by rows, M small.</summary>
    public static void Rows<TEpilogue>(
        in MatMulShape shape, float* a, float* b, float* c, in TEpilogue epilogue, byte* workspace, WorkerPool? pool, InstructionSet set)
        where TEpilogue : struct, ITileEpilogue
    {
        var aStep = shape.LdA;
        if (!shape.TransposeA)
        {
            PackingTranspose.Run(set, a, shape.LdA, shape.M, shape.K, (float*)workspace, shape.M);
            a = (float*)workspace;
            aStep = shape.M;
            workspace += MatMulBlocking.Lines((long)shape.M * shape.K);
        }
        var loop = new PanelLoop<TEpilogue>
        {
            Set = set, Rows = shape.M, Columns = shape.N, K = shape.K, A = a, AStep = aStep, B = b, BStep = shape.LdB, C = c, LdC = shape.LdC,
            Add = shape.Add, Epilogue = epilogue, Edges = workspace,
        };
        loop.Run(pool);
    }

    /// <summary>C [M, N] with both operands k-major, N small: its transpose is computed and turned tile by tile.</summary>
    public static void Columns<TEpilogue>(
        in MatMulShape shape, float* a, float* b, float* c, in TEpilogue epilogue, byte* workspace, WorkerPool? pool, InstructionSet set)
        where TEpilogue : struct, ITileEpilogue
    {
        var loop = new PanelLoop<TEpilogue>
        {
            Set = set, Rows = shape.N, Columns = shape.M, K = shape.K, A = b, AStep = shape.LdB, B = a, BStep = shape.LdA, C = c, LdC = shape.LdC,
            Add = shape.Add, Epilogue = epilogue, Edges = workspace, Turned = true,
        };
        loop.Run(pool);
    }

    /// <summary>Room for the last panel's slice, which is packed because reading 32 columns would leave the operand.</summary>
    private static nuint EdgeBytes(int columns, int k) =>
        columns % MatMulTile.Columns == 0 ? 0 : MatMulBlocking.Lines((long)MatMulBlocking.KBlock(k) * MatMulTile.Columns);

    private struct PanelLoop<TEpilogue> : IParallelBody where TEpilogue : struct, ITileEpilogue
    {
        public InstructionSet Set;
        public int Rows, Columns, K;
        public float* A, B, C;
        public nint AStep, BStep, LdC;
        public bool Add, Turned;
        public TEpilogue Epilogue;
        public byte* Edges;
        private int runs;

        public void Run(WorkerPool? pool)
        {
            runs = Math.Min(MatMulBlocking.Panels(Columns), pool is null ? 1 : 4 * pool.Workers);
            MatMulBlocking.Loop(pool, runs, ref this);
        }

        public readonly void Execute(int item, int worker)
        {
            var turned = stackalloc float[MatMulTile.ScratchFloats];
            var panels = MatMulBlocking.Panels(Columns);
            var last = (int)((long)panels * (item + 1) / runs);
            for (var panel = (int)((long)panels * item / runs); panel < last; panel++)
            {
                var column = panel * MatMulTile.Columns;
                var columns = Math.Min(MatMulTile.Columns, Columns - column);
                if (Turned)
                {
                    var c = C + column * LdC;
                    if (Add)
                        PackingTranspose.Run(Set, c, LdC, columns, Rows, turned, MatMulTile.Columns);
                    Sum(column, columns, turned, MatMulTile.Columns, worker);
                    PackingTranspose.Run(Set, turned, MatMulTile.Columns, Rows, columns, c, LdC);
                    if (!TEpilogue.IsNothing)
                        Epilogue.Apply(c, LdC, column, 0, columns, Rows);
                }
                else
                {
                    Sum(column, columns, C + column, LdC, worker);
                    if (!TEpilogue.IsNothing)
                        Epilogue.Apply(C + column, LdC, 0, column, Rows, columns);
                }
            }
        }

        private readonly void Sum(int column, int columns, float* to, nint ld, int worker)
        {
            var kBlock = MatMulBlocking.KBlock(K);
            var k = 0;
            do
            {
                var count = Math.Min(kBlock, K - k);
                var b = B + k * BStep + column;
                var step = BStep;
                if (columns < MatMulTile.Columns)
                {
                    var edge = (float*)(Edges + (nuint)worker * EdgeBytes(Columns, K));
                    for (var i = 0; i < count; i++)
                        PackingRight.CopyPadded(b + i * step, columns, edge + i * MatMulTile.Columns);
                    b = edge;
                    step = MatMulTile.Columns;
                }
                MatMulTile.RunRows(Set, Rows, columns, count, A + k * AStep, AStep, b, step, to, ld, Add || k > 0);
                k += kBlock;
            }
            while (k < K);
        }
    }
}
