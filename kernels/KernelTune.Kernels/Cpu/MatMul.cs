using System.Diagnostics;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Kernels.Cpu;

/// <summary>
/// Products of fp32 matrices in raw memory. Every element is summed in an order that its shape alone decides: the bits are the same for
/// any number of threads and for every instruction set.
/// </summary>
public static unsafe class MatMul
{
    /// <summary>Bytes of workspace that <c>Run</c> wants for this shape, 64-byte aligned.</summary>
    public static nuint Workspace(in MatMulShape shape, int threads, InstructionSet set) =>
        MatMulBlocking.OneThreadEach(shape) ? (nuint)threads * WorkspaceOfOne(shape, 1, set) : WorkspaceOfOne(shape, threads, set);

    /// <summary>C = (C +) op(A)·B.</summary>
    public static void Run(in MatMulShape shape, float* a, float* b, float* c, void* workspace, WorkerPool pool, InstructionSet set) =>
        Run(shape, a, b, c, default, default(NoEpilogue), workspace, pool, set);

    /// <summary>C = epilogue((C +) op(A)·B (+ scale·T·Bᵀ of the rank term)). An epilogue or a rank term takes no batch.</summary>
    public static void Run<TEpilogue>(
        in MatMulShape shape, float* a, float* b, float* c, in MatMulRank rank, in TEpilogue epilogue, void* workspace, WorkerPool pool, InstructionSet set)
        where TEpilogue : struct, ITileEpilogue
    {
        shape.AssertSound();
        Debug.Assert(shape.Right <= MatMulRight.PackedRows, "an operand in storage of its own goes through RunDecoded");
        Debug.Assert(shape.Products == 1 || TEpilogue.IsNothing, "an epilogue is not batched");
        if (shape.M == 0 || shape.N == 0)
            return;
        if (shape.Products == 1)
        {
            RunOne(shape, a, b, c, rank, epilogue, (byte*)workspace, MatMulBlocking.Serial(shape) ? null : pool, set);
            return;
        }

        var loop = new BatchLoop { Shape = shape, A = a, B = b, C = c, Workspace = (byte*)workspace, Set = set };
        if (MatMulBlocking.OneThreadEach(shape))
        {
            loop.Slot = WorkspaceOfOne(shape, 1, set);
            if (shape.Work * shape.Products < 1e6)
                MatMulBlocking.Loop(null, shape.Products, ref loop);
            else
                pool.Run(shape.Products, ref loop);
            return;
        }
        loop.Pool = pool;
        for (var i = 0; i < shape.Products; i++)
            loop.Execute(i, 0);
    }

    /// <summary>
    /// C = epilogue((C +) op(A)·B (+ scale·T·Bᵀ)) with B decoded from a weight's own storage while it is packed: <see cref="MatMulRight.Decoded"/> or
    /// <see cref="MatMulRight.DecodedRows"/>. One product.
    /// </summary>
    public static void RunDecoded<TSource, TEpilogue>(
        in MatMulShape shape, float* a, TSource source, float* c, in MatMulRank rank, in TEpilogue epilogue, void* workspace, WorkerPool pool, InstructionSet set)
        where TSource : struct, IPanelSource
        where TEpilogue : struct, ITileEpilogue
    {
        shape.AssertSound();
        Debug.Assert(shape.Products == 1 && shape.Right is MatMulRight.Decoded or MatMulRight.DecodedRows, "one product of a decoded operand");
        if (shape.M == 0 || shape.N == 0)
            return;
        var workers = MatMulBlocking.Serial(shape) ? null : pool;
        if (PathOf(shape) == Path.PanelsFew)
            MatMulPanelsFew.Run(shape, a, source, c, epilogue, (byte*)workspace, workers, set);
        else if (shape.Right == MatMulRight.Decoded)
            MatMulBlocked.Run(shape, a, new DecodedRight<TSource>(source), c, rank, epilogue, (byte*)workspace, workers, set);
        else
            MatMulBlocked.Run(shape, a, new DecodedRowsRight<TSource>(source, shape.N), c, rank, epilogue, (byte*)workspace, workers, set);
    }

    internal enum Path
    {
        /// <summary>Packed operands, tiles.</summary>
        Blocked,

        /// <summary>Few rows of C, B by rows: B is read where it lies.</summary>
        FewRows,

        /// <summary>Few columns of C, both operands k-major: Cᵀ by <see cref="FewRows"/>.</summary>
        FewColumns,

        /// <summary>Few rows or columns, both operands' rows along k: inner products over 16 lanes.</summary>
        Dots,

        /// <summary>Few columns, B by rows: B is transposed, then <see cref="Dots"/>.</summary>
        DotsOfRows,

        /// <summary>Few rows of C, B a weight's panels: they are read where they lie, or each thread decodes slices for itself.</summary>
        PanelsFew,
    }

    /// <summary>The shape decides alone, so that a product's bits do too.</summary>
    internal static Path PathOf(in MatMulShape shape)
    {
        const int Few = 14, FewDots = 16;
        if (shape.Rank > 0)
            return Path.Blocked;
        switch (shape.Right)
        {
            case MatMulRight.Decoded or MatMulRight.Packed when shape.M <= MatMulPanelsFew.MostRows && !shape.TransposeA:
                return Path.PanelsFew;
            case MatMulRight.Rows when shape.M <= Few:
                return Path.FewRows;
            case MatMulRight.Rows when shape.TransposeA && shape.N <= Few:
                return Path.FewColumns;
            case MatMulRight.Rows when !shape.TransposeA && shape.N <= FewDots && shape.K >= FewDots:
                return Path.DotsOfRows;
            case MatMulRight.Transposed when !shape.TransposeA && Math.Min(shape.M, shape.N) <= FewDots && shape.K >= FewDots:
                return Path.Dots;
            default:
                return Path.Blocked;
        }
    }

    private static nuint WorkspaceOfOne(in MatMulShape shape, int threads, InstructionSet set) => PathOf(shape) switch
    {
        Path.FewRows => MatMulFew.RowsWorkspace(shape, threads),
        Path.FewColumns => MatMulFew.ColumnsWorkspace(shape, threads),
        Path.Dots => 0,
        Path.DotsOfRows => MatMulBlocking.Lines((long)shape.N * shape.K),
        Path.PanelsFew => MatMulPanelsFew.Workspace(shape, threads),
        _ => MatMulBlocked.Workspace(shape, threads, set),
    };

    private static void RunOne<TEpilogue>(
        in MatMulShape shape, float* a, float* b, float* c, in MatMulRank rank, in TEpilogue epilogue, byte* workspace, WorkerPool? pool, InstructionSet set)
        where TEpilogue : struct, ITileEpilogue
    {
        switch (PathOf(shape))
        {
            case Path.FewRows:
                MatMulFew.Rows(shape, a, b, c, epilogue, workspace, pool, set);
                break;
            case Path.FewColumns:
                MatMulFew.Columns(shape, a, b, c, epilogue, workspace, pool, set);
                break;
            case Path.PanelsFew:
                MatMulPanelsFew.Run(shape, a, new FloatPanels(b, shape.K), c, epilogue, workspace, pool, set);
                break;
            case Path.Dots:
                MatMulDots.Run(shape, a, b, shape.LdB, c, epilogue, pool, set);
                break;
            case Path.DotsOfRows:
                PackingTranspose.Run(set, b, shape.LdB, shape.K, shape.N, (float*)workspace, shape.K);
                MatMulDots.Run(shape, a, (float*)workspace, shape.K, c, epilogue, pool, set);
                break;
            default:
                switch (shape.Right)
                {
                    case MatMulRight.Rows:
                        MatMulBlocked.Run(shape, a, new RowsRight(b, shape.LdB, shape.N), c, rank, epilogue, workspace, pool, set);
                        break;
                    case MatMulRight.Transposed:
                        MatMulBlocked.Run(shape, a, new TransposedRight(b, shape.LdB, shape.N), c, rank, epilogue, workspace, pool, set);
                        break;
                    case MatMulRight.Packed:
                        MatMulBlocked.Run(shape, a, new PackedRight(b, shape.K), c, rank, epilogue, workspace, pool, set);
                        break;
                    default:
                        MatMulBlocked.Run(shape, a, new PackedRowsRight(b, shape.N), c, rank, epilogue, workspace, pool, set);
                        break;
                }
                break;
        }
    }

    private struct BatchLoop : IParallelBody
    {
        public MatMulShape Shape;
        public float* A, B, C;
        public byte* Workspace;
        public nuint Slot;
        public WorkerPool? Pool;
        public InstructionSet Set;

        public readonly void Execute(int item, int worker)
        {
            var heads = Math.Max(1, Shape.Heads);
            int outer = item / heads, inner = item % heads;
            RunOne(
                Shape,
                A + outer * Shape.BatchStride.A + inner * Shape.HeadStride.A,
                B + outer * Shape.BatchStride.B + inner * Shape.HeadStride.B,
                C + outer * Shape.BatchStride.C + inner * Shape.HeadStride.C,
                default, default(NoEpilogue), Workspace + (nuint)worker * Slot, Pool, Set);
        }
    }
}
