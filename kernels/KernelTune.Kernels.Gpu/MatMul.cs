using ILGPU;

namespace KernelTune.Kernels.Gpu;

/// <summary>
/// The tile of C that a group computes: a square of threads, each with 4×4 elements of its own, Side apart; K is walked in steps of Depth. Powers of two, because
/// a compiler folds them.
/// </summary>
public interface ITile
{
    /// <summary>log2 of the threads along a side.</summary>
    static abstract int LogSide { get; }

    /// <summary>log2 of the steps of k that are held in shared memory.</summary>
    static abstract int LogDepth { get; }
}

/// <summary>256 threads, 64×64 elements.</summary>
public readonly struct Tile64 : ITile
{
    public static int LogSide => 4;

    public static int LogDepth => 4;
}

/// <summary>4 threads, 8×8 elements: for ILGPU's CPU accelerator, where every thread of a group is one of the operating system's.</summary>
public readonly struct Tile8 : ITile
{
    public static int LogSide => 1;

    public static int LogDepth => 5;
}

/// <summary>The operands of <see cref="MatMulKernel{TA, TB, TTile}"/>. Strides count elements.</summary>
public struct MatMulArgs<TA, TB>
    where TA : unmanaged
    where TB : unmanaged
{
    public ArrayView<TA> A;
    public ArrayView<TB> B;
    public ArrayView<G32> C;

    /// <summary>The batch axes.</summary>
    public Layout Batch;
    public Steps StepsA, StepsB, StepsC;
    public long RowA, ColumnA, RowB, ColumnB, RowC, ColumnC;
    public int M, N, K;

    /// <summary>Tiles of one matrix of the batch, and of a row of tiles.</summary>
    public int Tiles, TilesN;

    /// <summary>1 where k is the axis along which neighbours lie in memory; else the other one is.</summary>
    public int DenseA, DenseB;

    /// <summary>1: C += A·B.</summary>
    public int Accumulate;
}

/// <summary>C = A·B, a tile a group, each sum over k in passes of 256, in order, with one rounding a term.</summary>
/// <typeparam name="TA">How A is stored.</typeparam>
/// <typeparam name="TB">How B is stored.</typeparam>
/// <typeparam name="TTile">The tile.</typeparam>
public readonly struct MatMulKernel<TA, TB, TTile> : IGpuKernel<MatMulArgs<TA, TB>>
    where TA : unmanaged, IStored<TA>
    where TB : unmanaged, IStored<TB>
    where TTile : struct, ITile
{
    // Steps of k of a pass: a power of two that every tile's depth divides.
    private const int PassDepth = 256;

    // Elements of C along a side of the tile, threads along it, threads in all, steps of k.
    private static int Width => 4 << TTile.LogSide;

    private static int Side => 1 << TTile.LogSide;

    private static int Threads => 1 << (2 * TTile.LogSide);

    private static int Depth => 1 << TTile.LogDepth;

    public static void Run(MatMulArgs<TA, TB> args)
    {
        ArrayView<float> left = SharedMemory.Allocate<float>(4 << (TTile.LogSide + TTile.LogDepth));
        ArrayView<float> right = SharedMemory.Allocate<float>(4 << (TTile.LogSide + TTile.LogDepth));
        int thread = Group.IdxX, tx = thread & (Side - 1), ty = thread >> TTile.LogSide;
        int matrix = Grid.IdxX / args.Tiles, tile = Grid.IdxX - (matrix * args.Tiles);
        int tileM = tile / args.TilesN, tileN = tile - (tileM * args.TilesN);
        int row0 = tileM << (TTile.LogSide + 2), column0 = tileN << (TTile.LogSide + 2);
        Place place = args.Batch.At((uint)matrix);
        long atA = args.StepsA.At(place), atB = args.StepsB.At(place);
        G32 c00 = G32.Zero, c01 = G32.Zero, c02 = G32.Zero, c03 = G32.Zero;
        G32 c10 = G32.Zero, c11 = G32.Zero, c12 = G32.Zero, c13 = G32.Zero;
        G32 c20 = G32.Zero, c21 = G32.Zero, c22 = G32.Zero, c23 = G32.Zero;
        G32 c30 = G32.Zero, c31 = G32.Zero, c32 = G32.Zero, c33 = G32.Zero;
        G32 t00 = G32.Zero, t01 = G32.Zero, t02 = G32.Zero, t03 = G32.Zero;
        G32 t10 = G32.Zero, t11 = G32.Zero, t12 = G32.Zero, t13 = G32.Zero;
        G32 t20 = G32.Zero, t21 = G32.Zero, t22 = G32.Zero, t23 = G32.Zero;
        G32 t30 = G32.Zero, t31 = G32.Zero, t32 = G32.Zero, t33 = G32.Zero;
        for (int k0 = 0; k0 < args.K; k0 += Depth)
        {
            // Neighbouring threads read neighbouring elements: along k, or along the rows of A and the columns of B.
            for (int e = thread; e < 4 << (TTile.LogSide + TTile.LogDepth); e += Threads)
            {
                int k = args.DenseA != 0 ? e & (Depth - 1) : e >> (TTile.LogSide + 2);
                int m = args.DenseA != 0 ? e >> TTile.LogDepth : e & (Width - 1);
                float value = 0f;
                if (k0 + k < args.K & row0 + m < args.M)
                    value = TA.ToFloat(args.A[atA + ((row0 + m) * args.RowA) + ((k0 + k) * args.ColumnA)]);
                left[(k << (TTile.LogSide + 2)) + m] = value;
            }
            for (int e = thread; e < 4 << (TTile.LogSide + TTile.LogDepth); e += Threads)
            {
                int k = args.DenseB != 0 ? e & (Depth - 1) : e >> (TTile.LogSide + 2);
                int n = args.DenseB != 0 ? e >> TTile.LogDepth : e & (Width - 1);
                float value = 0f;
                if (k0 + k < args.K & column0 + n < args.N)
                    value = TB.ToFloat(args.B[atB + ((k0 + k) * args.RowB) + ((column0 + n) * args.ColumnB)]);
                right[(k << (TTile.LogSide + 2)) + n] = value;
            }
            Group.Barrier();
            for (int k = 0; k < Depth; k++)
            {
                int l = (k << (TTile.LogSide + 2)) + ty, r = (k << (TTile.LogSide + 2)) + tx;
                G32 a0 = new(left[l]), a1 = new(left[l + Side]), a2 = new(left[l + (2 * Side)]), a3 = new(left[l + (3 * Side)]);
                G32 b = new(right[r]);
                c00 = G32.Fma(a0, b, c00);
                c10 = G32.Fma(a1, b, c10);
                c20 = G32.Fma(a2, b, c20);
                c30 = G32.Fma(a3, b, c30);
                b = new(right[r + Side]);
                c01 = G32.Fma(a0, b, c01);
                c11 = G32.Fma(a1, b, c11);
                c21 = G32.Fma(a2, b, c21);
                c31 = G32.Fma(a3, b, c31);
                b = new(right[r + (2 * Side)]);
                c02 = G32.Fma(a0, b, c02);
                c12 = G32.Fma(a1, b, c12);
                c22 = G32.Fma(a2, b, c22);
                c32 = G32.Fma(a3, b, c32);
                b = new(right[r + (3 * Side)]);
                c03 = G32.Fma(a0, b, c03);
                c13 = G32.Fma(a1, b, c13);
                c23 = G32.Fma(a2, b, c23);
                c33 = G32.Fma(a3, b, c33);
            }
            Group.Barrier();

            // Long sums are made in passes, as on the CPU: a term is added to a small sum, and the small sums to each other.
            if ((k0 & (PassDepth - 1)) == PassDepth - Depth)
            {
                t00 += c00;
                t01 += c01;
                t02 += c02;
                t03 += c03;
                t10 += c10;
                t11 += c11;
                t12 += c12;
                t13 += c13;
                t20 += c20;
                t21 += c21;
                t22 += c22;
                t23 += c23;
                t30 += c30;
                t31 += c31;
                t32 += c32;
                t33 += c33;
                c00 = G32.Zero; c01 = G32.Zero; c02 = G32.Zero; c03 = G32.Zero;
                c10 = G32.Zero; c11 = G32.Zero; c12 = G32.Zero; c13 = G32.Zero;
                c20 = G32.Zero; c21 = G32.Zero; c22 = G32.Zero; c23 = G32.Zero;
                c30 = G32.Zero; c31 = G32.Zero; c32 = G32.Zero; c33 = G32.Zero;
            }
        }
        long atC = args.StepsC.At(place);
        int row = row0 + ty, column = column0 + tx;
        StoreRow(args, atC, row, column, t00 + c00, t01 + c01, t02 + c02, t03 + c03);
        StoreRow(args, atC, row + Side, column, t10 + c10, t11 + c11, t12 + c12, t13 + c13);
        StoreRow(args, atC, row + (2 * Side), column, t20 + c20, t21 + c21, t22 + c22, t23 + c23);
        StoreRow(args, atC, row + (3 * Side), column, t30 + c30, t31 + c31, t32 + c32, t33 + c33);
    }

    private static void StoreRow(in MatMulArgs<TA, TB> args, long at, int row, int column, G32 c0, G32 c1, G32 c2, G32 c3)
    {
        if (row < args.M)
        {
            Store(args, at, row, column, c0);
            Store(args, at, row, column + Side, c1);
            Store(args, at, row, column + (2 * Side), c2);
            Store(args, at, row, column + (3 * Side), c3);
        }
    }

    private static void Store(in MatMulArgs<TA, TB> args, long at, int row, int column, G32 value)
    {
        if (column < args.N)
        {
            long to = at + (row * args.RowC) + (column * args.ColumnC);
            args.C[to] = args.Accumulate != 0 ? args.C[to] + value : value;
        }
    }
}
