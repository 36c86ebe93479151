using System.Diagnostics;

namespace KernelTune.Kernels.Cpu;

/// <summary>How the right operand B [K, N] of a product lies in memory.</summary>
public enum MatMulRight
{
    /// <summary>Rows of B: element (k, n) at k·LdB + n.</summary>
    Rows,

    /// <summary>Rows of Bᵀ: element (k, n) at n·LdB + k. A linear layer's weight [N, K] lies like this.</summary>
    Transposed,

    /// <summary>A weight W [N, K] in <see cref="PackedWeight"/>'s layout, B = Wᵀ: y = x·Wᵀ.</summary>
    Packed,

    /// <summary>A weight W [K, N] in <see cref="PackedWeight"/>'s layout, B = W: dX = dY·W, where K counts W's rows.</summary>
    PackedRows,

    /// <summary>A weight W [N, K] in storage of its own (<see cref="IPanelSource"/>), B = Wᵀ.</summary>
    Decoded,

    /// <summary>A weight W [K, N] in storage of its own, B = W.</summary>
    DecodedRows,
}

/// <summary>C [M, N] = (C +) op(A) [M, K] · B [K, N], over a batch of two axes. Strides count floats.</summary>
public readonly record struct MatMulShape
{
    /// <summary>Rows of C.</summary>
    public required int M { get; init; }

    /// <summary>Columns of C.</summary>
    public required int N { get; init; }

    /// <summary>Length of the sums.</summary>
    public required int K { get; init; }

    /// <summary>False: element (m, k) of the left operand at m·LdA + k. True: at k·LdA + m.</summary>
    public bool TransposeA { get; init; }

    /// <summary>Distance between rows of A as stored.</summary>
    public nint LdA { get; init; }

    /// <summary>How B lies in memory.</summary>
    public MatMulRight Right { get; init; }

    /// <summary>Distance between rows of B as stored; of no account for a packed weight.</summary>
    public nint LdB { get; init; }

    /// <summary>Distance between rows of C.</summary>
    public nint LdC { get; init; }

    /// <summary>True: the product is added to C. False: C is overwritten, whatever it held.</summary>
    public bool Add { get; init; }

    /// <summary>Products in the outer axis of the batch; 0 is read as 1.</summary>
    public int Batch { get; init; }

    /// <summary>Products in the inner axis of the batch; 0 is read as 1.</summary>
    public int Heads { get; init; }

    /// <summary>Distances between the outer axis's operands; 0 repeats one operand (never C's).</summary>
    public (nint A, nint B, nint C) BatchStride { get; init; }

    /// <summary>Distances between the inner axis's operands; 0 repeats one operand (never C's).</summary>
    public (nint A, nint B, nint C) HeadStride { get; init; }

    /// <summary>How many terms of rank <see cref="MatMulRank"/> carries; 0: none. Not in a batch.</summary>
    public int Rank { get; init; }

    /// <summary>x [m, k] · Wᵀ, W [n, k] row-major, all dense.</summary>
    public static MatMulShape Nt(int m, int n, int k) =>
        new() { M = m, N = n, K = k, LdA = k, Right = MatMulRight.Transposed, LdB = k, LdC = n };

    /// <summary>A [m, k] · B [k, n], all dense.</summary>
    public static MatMulShape Nn(int m, int n, int k) =>
        new() { M = m, N = n, K = k, LdA = k, Right = MatMulRight.Rows, LdB = n, LdC = n };

    /// <summary>Aᵀ · B, A [k, m], B [k, n], all dense: a weight's gradient is dYᵀ·X.</summary>
    public static MatMulShape Tn(int m, int n, int k) =>
        new() { M = m, N = n, K = k, TransposeA = true, LdA = m, Right = MatMulRight.Rows, LdB = n, LdC = n };

    /// <summary>Multiply-adds of one product of the batch.</summary>
    internal double Work => (double)M * N * (K + Rank);

    internal int Products => Math.Max(1, Batch) * Math.Max(1, Heads);

    [Conditional("DEBUG")]
    internal void AssertSound()
    {
        Debug.Assert(M >= 0 && N >= 0 && K >= 0 && Rank >= 0, "extents are not negative");
        Debug.Assert(M <= 1 || LdC >= N, "rows of C do not overlap");
        Debug.Assert(Rank == 0 || Products == 1, "a rank term is not batched");
    }
}
