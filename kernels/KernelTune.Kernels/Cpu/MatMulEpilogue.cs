using System.Runtime.Intrinsics;

namespace KernelTune.Kernels.Cpu;

/// <summary>What is done to a tile of C after its last sum, while it is in the first-level cache.</summary>
public unsafe interface ITileEpilogue
{
    /// <summary>True: nothing is done, and no call is made.</summary>
    static abstract bool IsNothing { get; }

    /// <summary>Changes rows × columns elements at <paramref name="tile"/>, whose first is C's (row, column).</summary>
    void Apply(float* tile, nint ld, int row, int column, int rows, int columns);
}

/// <summary>Leaves C as the product made it.</summary>
public readonly unsafe struct NoEpilogue : ITileEpilogue
{
    /// <inheritdoc/>
    public static bool IsNothing => true;

    /// <inheritdoc/>
    public void Apply(float* tile, nint ld, int row, int column, int rows, int columns)
    {
    }
}

/// <summary>C[m, n] += bias[n], then += residual[m, n]; either may be null.</summary>
public readonly unsafe struct LinearEpilogue(float* bias, float* residual = null, nint residualStride = 0) : ITileEpilogue
{
    /// <inheritdoc/>
    public static bool IsNothing => false;

    /// <inheritdoc/>
    public void Apply(float* tile, nint ld, int row, int column, int rows, int columns)
    {
        for (var r = 0; r < rows; r++, tile += ld)
        {
            if (bias != null)
                AddRow(tile, bias + column, columns);
            if (residual != null)
                AddRow(tile, residual + (row + r) * residualStride + column, columns);
        }
    }

    private static void AddRow(float* to, float* from, int count)
    {
        var j = 0;
        for (; j + 8 <= count; j += 8)
            (Vector256.Load(to + j) + Vector256.Load(from + j)).Store(to + j);
        for (; j < count; j++)
            to[j] += from[j];
    }
}

/// <summary>
/// A low-rank term of the same product: C += scale · T·Bᵀ with T [M, rank], B [N, rank], as LoRA adds s·(x·Aᵀ)·Bᵀ. It is one more
/// chain of rank sums, over (scale·T)·B, added after the product's own and before the epilogue.
/// </summary>
public readonly unsafe struct MatMulRank(float* t, nint ldT, float* b, nint ldB, float scale)
{
    /// <summary>T [M, rank], row-major.</summary>
    public float* T => t;

    /// <summary>Distance between rows of T.</summary>
    public nint LdT => ldT;

    /// <summary>B [N, rank], row-major.</summary>
    public float* B => b;

    /// <summary>Distance between rows of B.</summary>
    public nint LdB => ldB;

    /// <summary>Multiplies T as it is packed.</summary>
    public float Scale => scale;
}
