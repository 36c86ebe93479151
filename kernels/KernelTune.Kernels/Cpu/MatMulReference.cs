namespace KernelTune.Kernels.Cpu;

/// <summary>A product by its definition, in double precision, on any strides: never fast, always right.</summary>
public static unsafe class MatMulReference
{
    /// <summary>
    /// c[m·cRow + n·cColumn] = beta·c + alpha·Σₖ a[m·aRow + k·aColumn] · b[k·bRow + n·bColumn]; with beta 0 what c held is of no account.
    /// Strides count doubles; they may be zero or negative for a and b.
    /// </summary>
    public static void Run(
        int m, int n, int k, double alpha, double* a, nint aRow, nint aColumn, double* b, nint bRow, nint bColumn, double beta, double* c, nint cRow, nint cColumn)
    {
        for (var i = 0; i < m; i++)
            for (var j = 0; j < n; j++)
            {
                var sum = 0.0;
                for (var p = 0; p < k; p++)
                    sum += a[i * aRow + p * aColumn] * b[p * bRow + j * bColumn];
                var to = c + i * cRow + j * cColumn;
                *to = beta == 0 ? alpha * sum : beta * *to + alpha * sum;
            }
    }
}
