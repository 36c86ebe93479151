using KernelTune.Kernels.Numerics;

namespace KernelTune.Kernels.Cpu;

/// <summary>
/// y = x·Wᵀ with a few rows of x and W in panels: a thread reads a slice of a panel where it lies, multiplies with its codes as they are, or decodes it into its second-level cache and multiplies with it at once,
/// so that a weight is read from memory once, in its own size. Decoding text is of this kind: it is bound by that reading.
/// </summary>
internal static unsafe class MatMulPanelsFew
{
    /// <summary>A portable tile's height, so that the path (and with it the bits) is the same for every instruction set.</summary>
    public const int MostRows = 6;

    public static nuint Workspace(in MatMulShape shape, int threads) => LeftBytes(shape) + (nuint)threads * SliceBytes(shape);

    public static void Run<TSource, TEpilogue>(
        in MatMulShape shape, float* a, TSource source, float* c, in TEpilogue epilogue, byte* workspace, WorkerPool? pool, InstructionSet set)
        where TSource : struct, IPanelSource
        where TEpilogue : struct, ITileEpilogue
    {
        // One row is its own transpose.
        var left = a;
        if (shape.M > 1)
        {
            left = (float*)workspace;
            PackingTranspose.Run(set, a, shape.LdA, shape.M, shape.K, left, shape.M);
        }
        var loop = new PanelLoop<TSource, TEpilogue>
        {
            Set = set, Shape = shape, A = left, Source = source, C = c, Epilogue = epilogue, Slices = workspace + LeftBytes(shape), SliceBytes = SliceBytes(shape),
        };
        loop.Run(pool);
    }

    private static nuint LeftBytes(in MatMulShape shape) => MatMulBlocking.Lines((long)shape.M * shape.K);

    private static nuint SliceBytes(in MatMulShape shape) => MatMulBlocking.Lines((long)MatMulBlocking.KBlock(shape.K) * MatMulTile.Columns);

    private struct PanelLoop<TSource, TEpilogue> : IParallelBody
        where TSource : struct, IPanelSource
        where TEpilogue : struct, ITileEpilogue
    {
        public InstructionSet Set;
        public MatMulShape Shape;
        public TSource Source;
        public float* A, C;
        public TEpilogue Epilogue;
        public byte* Slices;
        public nuint SliceBytes;
        private int runs;

        public void Run(WorkerPool? pool)
        {
            runs = Math.Min(MatMulBlocking.Panels(Shape.N), pool is null ? 1 : 8 * pool.Workers);
            MatMulBlocking.Loop(pool, runs, ref this);
        }

        public readonly void Execute(int item, int worker)
        {
            var slice = (float*)(Slices + (nuint)worker * SliceBytes);
            int panels = MatMulBlocking.Panels(Shape.N), kBlock = MatMulBlocking.KBlock(Shape.K);
            var last = (int)((long)panels * (item + 1) / runs);
            for (var panel = (int)((long)panels * item / runs); panel < last; panel++)
            {
                var column = panel * MatMulTile.Columns;
                var columns = Math.Min(MatMulTile.Columns, Shape.N - column);
                var k = 0;
                do
                {
                    var count = Math.Min(kBlock, Shape.K - k);
                    var add = Shape.Add || k > 0;
                    if (Shape.M > 1 || columns < MatMulTile.Columns || !Source.TryMultiply(Set, panel, k, count, A + k, C + column, add))
                    {
                        var b = Source.Slice(panel, k);
                        if (b is null)
                        {
                            Source.Decode(Set, panel, k, count, slice);
                            b = slice;
                        }
                        MatMulTile.RunPartial(Set, Shape.M, columns, count, A + (nint)k * Shape.M, Shape.M, b, MatMulTile.Columns, C + column, Shape.LdC, add);
                    }
                    k += kBlock;
                }
                while (k < Shape.K);
                if (!TEpilogue.IsNothing)
                    Epilogue.Apply(C + column, Shape.LdC, 0, column, Shape.M, columns);
            }
        }
    }
}
