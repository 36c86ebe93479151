using KernelTune.Devices.Calls;
using KernelTune.Kernels.Cpu;

namespace KernelTune.Devices.Cpu;

/// <summary>A weight into panels.</summary>
internal sealed unsafe class CpuPack(CpuContext cpu) : CpuKernel<PackCall>(cpu)
{
    public override long Workspace(in PackCall call, int threads) => MatrixOperand.CopyBytes(call.W);

    public override void Run(in PackCall call, nint workspace)
    {
        var (w, packed, first) = (call.W, call.Packed, call.FirstRow);
        PackedRows.Check(PackCall.Name, w, packed, first);
        if (first % PackedMatrix.PanelRows != 0 || (w.Shape[0] % PackedMatrix.PanelRows != 0 && first + w.Shape[0] != packed.Rows))
            throw new ShapeException(PackCall.Name, $"rows {first} to {first + w.Shape[0]} of {packed.Rows} do not fill whole panels of {PackedMatrix.PanelRows}");
        var operand = MatrixOperand.Read(Cpu.Pool, w, ref workspace);
        float* to = (float*)packed.Block.Address + ((long)first * packed.Columns);
        if (operand.IsTransposed)
            PackedWeight.PackTransposed(Cpu.Set, Cpu.Pool, operand.Start, operand.Leading, w.Shape[0], packed.Columns, to);
        else
            PackedWeight.Pack(Cpu.Set, Cpu.Pool, operand.Start, operand.Leading, w.Shape[0], packed.Columns, to);
    }
}

/// <summary>Panels back into a matrix.</summary>
internal sealed unsafe class CpuUnpack(CpuContext cpu) : CpuKernel<UnpackCall>(cpu)
{
    public override void Run(in UnpackCall call, nint workspace)
    {
        var (packed, w, begin) = (call.Packed, call.W, call.FirstRow);
        PackedRows.Check(UnpackCall.Name, w, packed, begin);
        if (w.IsRowDense && begin % PackedMatrix.PanelRows == 0)
        {
            float* from = (float*)packed.Block.Address + ((long)begin * packed.Columns);
            PackedWeight.Unpack(Cpu.Set, Cpu.Pool, from, w.Shape[0], packed.Columns, (float*)w.Address, w.Shape[0] == 1 ? packed.Columns : (nint)w.Stride(0));
            return;
        }

        // A panel is [K, 32]: its transpose is 32 rows of W.
        var device = w.Device;
        for (int row = 0; row < w.Shape[0];)
        {
            int lane = (begin + row) % PackedMatrix.PanelRows;
            int rows = Math.Min(PackedMatrix.PanelRows - lane, w.Shape[0] - row);
            device.Run(new CopyCall(packed.Panels.Select(0, (begin + row) / PackedMatrix.PanelRows).Transpose(0, 1).Slice(0, lane, rows), w.Slice(0, row, rows)));
            row += rows;
        }
    }
}

file static class PackedRows
{
    public static void Check(string operation, in View w, PackedMatrix packed, int first)
    {
        if (w.Rank != 2 || w.Shape[1] != packed.Columns || first < 0 || first + w.Shape[0] > packed.Rows)
            throw new ShapeException(operation, $"{w.Shape} as rows from {first} of a packed [{packed.Rows}, {packed.Columns}]");
        MatrixOperand.CheckType(operation, w);
    }
}
