using System.Buffers;
using System.Runtime.Intrinsics;
using KernelTune.Devices.Calls;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Devices.Reference;

/// <summary>
/// C = A·B in double, each sum over k in order. Operands of any strides are laid out in strips of four rows of A and panels of eight columns of B, so that
/// a real model's step takes seconds and not hours; there is nothing else to it.
/// </summary>
internal sealed unsafe class ReferenceMatMul : PlainKernel<MatMulCall>
{
    private const int StripRows = 4;
    private const int PanelColumns = 8;

    // Rows of A that are laid out at a time: each panel of B is laid out once for so many.
    private const int BlockRows = 128;

    protected override void Run(in MatMulCall call)
    {
        var (a, b, c) = (call.A, call.B, call.C);
        MatMulCall.Check(a, b, c);
        if (a.Type != DType.F64 || b.Type != DType.F64 || c.Type != DType.F64)
            throw new DeviceException("reference", $"matmul of {a.Type} and {b.Type} into {c.Type}");
        int m = a.Shape[^2], k = a.Shape[^1];
        double[] strips = ArrayPool<double>.Shared.Rent(Math.Min(BlockRows, (m + StripRows - 1) / StripRows * StripRows) * k);
        double[] panel = ArrayPool<double>.Shared.Rent(PanelColumns * k);
        fixed (double* s = strips, p = panel)
            Batch(a, b, c, call.Accumulate, s, p);
        ArrayPool<double>.Shared.Return(strips);
        ArrayPool<double>.Shared.Return(panel);
    }

    private static void Batch(in View a, in View b, in View c, bool accumulate, double* strips, double* panel)
    {
        if (a.Rank > 2)
        {
            for (int i = 0; i < c.Shape[0]; i++)
                Batch(a.Select(0, i), b.Select(0, i), c.Select(0, i), accumulate, strips, panel);
            return;
        }
        int m = a.Shape[0], n = b.Shape[1], k = a.Shape[1];
        double* tile = stackalloc double[StripRows * PanelColumns];
        double* pa = (double*)a.Block.Address + a.Offset, pb = (double*)b.Block.Address + b.Offset, pc = (double*)c.Block.Address + c.Offset;
        for (int i0 = 0; i0 < m; i0 += BlockRows)
        {
            int rows = Math.Min(BlockRows, m - i0);
            for (int i = 0; i < rows; i += StripRows)
                Lay(pa + ((i0 + i) * a.Stride(0)), a.Stride(1), a.Stride(0), Math.Min(StripRows, rows - i), k, StripRows, strips + ((long)i * k));
            for (int j = 0; j < n; j += PanelColumns)
            {
                int columns = Math.Min(PanelColumns, n - j);
                Lay(pb + (j * b.Stride(1)), b.Stride(0), b.Stride(1), columns, k, PanelColumns, panel);
                for (int i = 0; i < rows; i += StripRows)
                {
                    Tile(strips + ((long)i * k), panel, k, tile);
                    for (int r = 0; r < Math.Min(StripRows, rows - i); r++)
                    {
                        double* to = pc + ((i0 + i + r) * c.Stride(0)) + (j * c.Stride(1));
                        for (int q = 0; q < columns; q++)
                            to[q * c.Stride(1)] = accumulate ? to[q * c.Stride(1)] + tile[(r * PanelColumns) + q] : tile[(r * PanelColumns) + q];
                    }
                }
            }
        }
    }

    // to[p·width + q] = from[p, q], zeros beyond the columns that there are.
    private static void Lay(double* from, long stepP, long stepQ, int columns, int k, int width, double* to)
    {
        for (int q = 0; q < width; q++)
        {
            double* column = from + (q * stepQ);
            for (int p = 0; p < k; p++)
                to[(p * width) + q] = q < columns ? column[p * stepP] : 0;
        }
    }

    private static void Tile(double* strip, double* panel, int k, double* tile)
    {
        Vector256<double> c00 = default, c01 = default, c10 = default, c11 = default, c20 = default, c21 = default, c30 = default, c31 = default;
        for (int p = 0; p < k; p++)
        {
            Vector256<double> b0 = Vector256.Load(panel), b1 = Vector256.Load(panel + 4);
            var x = Vector256.Create(strip[0]);
            (c00, c01) = (Vector256.FusedMultiplyAdd(x, b0, c00), Vector256.FusedMultiplyAdd(x, b1, c01));
            x = Vector256.Create(strip[1]);
            (c10, c11) = (Vector256.FusedMultiplyAdd(x, b0, c10), Vector256.FusedMultiplyAdd(x, b1, c11));
            x = Vector256.Create(strip[2]);
            (c20, c21) = (Vector256.FusedMultiplyAdd(x, b0, c20), Vector256.FusedMultiplyAdd(x, b1, c21));
            x = Vector256.Create(strip[3]);
            (c30, c31) = (Vector256.FusedMultiplyAdd(x, b0, c30), Vector256.FusedMultiplyAdd(x, b1, c31));
            strip += StripRows;
            panel += PanelColumns;
        }
        c00.Store(tile);
        c01.Store(tile + 4);
        c10.Store(tile + 8);
        c11.Store(tile + 12);
        c20.Store(tile + 16);
        c21.Store(tile + 20);
        c30.Store(tile + 24);
        c31.Store(tile + 28);
    }
}
