using KernelTune.Devices.Calls;
using KernelTune.Kernels.Cpu;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Devices.Cpu;

/// <summary>A weight into panels of fp32 or 16 bits.</summary>
internal sealed unsafe class CpuPack(CpuContext cpu) : CpuKernel<PackCall>(cpu)
{
    public override long Workspace(in PackCall call, int threads) =>
        MatrixOperand.CopyBytes(call.W) + (call.Packed.IsFloat ? 0 : PackedMatrix.BytesFor(call.W.Shape[0], call.Packed.Columns));

    public override void Run(in PackCall call, nint workspace)
    {
        var (w, packed, first) = (call.W, call.Packed, call.FirstRow);
        PackedRows.Check(PackCall.Name, w, packed, first);
        if (first % PackedMatrix.PanelRows != 0 || (w.Shape[0] % PackedMatrix.PanelRows != 0 && first + w.Shape[0] != packed.Rows))
            throw new ShapeException(PackCall.Name, $"rows {first} to {first + w.Shape[0]} of {packed.Rows} do not fill whole panels of {PackedMatrix.PanelRows}");
        if (packed.Storage is not HalfStorage && !packed.IsFloat)
            throw new DeviceException("cpu", $"{PackCall.Name} into {packed.Storage.Name}: such weights come as codes");
        var operand = MatrixOperand.Read(Cpu.Pool, w, ref workspace);
        float* to = packed.IsFloat ? (float*)packed.Block.Address + ((long)first * packed.Columns) : (float*)workspace;
        if (operand.IsTransposed)
            PackedWeight.PackTransposed(Cpu.Set, Cpu.Pool, operand.Start, operand.Leading, w.Shape[0], packed.Columns, to);
        else
            PackedWeight.Pack(Cpu.Set, Cpu.Pool, operand.Start, operand.Leading, w.Shape[0], packed.Columns, to);
        if (packed.Storage is HalfStorage half)
        {
            ushort* bits = (ushort*)packed.Block.Address + ((long)first * packed.Columns);
            nint count = (nint)PackedWeight.Floats(w.Shape[0], packed.Columns);
            if (half.Type == DType.BF16)
                HalfPrecision.ToBFloat16(to, bits, count);
            else
                HalfPrecision.ToHalf(to, bits, count);
        }
    }
}

/// <summary>4-bit codes into panels.</summary>
internal sealed unsafe class CpuPackCodes(CpuContext cpu) : CpuKernel<PackCodesCall>(cpu)
{
    public override void Run(in PackCodesCall call, nint workspace)
    {
        if (call.Packed.Storage is not FourBitStorage storage)
            throw new DeviceException("cpu", $"{PackCodesCall.Name} into {call.Packed.Storage.Name}");
        long elements = (long)call.Rows * call.Packed.Columns;
        if (call.FirstRow % PackedMatrix.PanelRows != 0 || call.FirstRow < 0 || call.FirstRow + call.Rows > call.Packed.Rows
            || call.Codes.Elements != (elements + 1) / 2 || call.Magnitudes.Elements != (elements + storage.BlockSize - 1) / storage.BlockSize)
            throw new ShapeException(PackCodesCall.Name, $"codes {call.Codes} and magnitudes {call.Magnitudes} for rows {call.FirstRow} to {call.FirstRow + call.Rows} of [{call.Packed.Rows}, {call.Packed.Columns}]");
        FourBitWeight.Quantizer(storage.Type).Levels.CopyTo(new Span<float>((void*)call.Packed.Block.Address, 16));
        DecodedPanels.FourBits(call.Packed).Lay((byte*)call.Codes.Address, (float*)call.Magnitudes.Address, storage.BlockSize, call.FirstRow, call.Rows);
    }
}

/// <summary>Panels back into a matrix.</summary>
internal sealed unsafe class CpuUnpack(CpuContext cpu) : CpuKernel<UnpackCall>(cpu)
{
    public override long Workspace(in UnpackCall call, int threads) => call.Packed.IsFloat ? 0 : (long)threads * call.Packed.Columns * PackedMatrix.PanelRows * sizeof(float);

    public override void Run(in UnpackCall call, nint workspace)
    {
        var (packed, w, begin) = (call.Packed, call.W, call.FirstRow);
        PackedRows.Check(UnpackCall.Name, w, packed, begin);
        if (!packed.IsFloat)
        {
            var unpack = new DecodedUnpack { Cpu = Cpu, Packed = packed, W = w, Begin = begin, Scratch = (float*)workspace };
            DecodedPanels.Use(packed, ref unpack);
            return;
        }
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

    private struct DecodedUnpack : IPanelUse
    {
        public CpuContext Cpu;
        public PackedMatrix Packed;
        public View W;
        public int Begin;
        public float* Scratch;

        public readonly void With<TSource>(TSource source)
            where TSource : struct, IPanelSource
        {
            int first = Begin / PackedMatrix.PanelRows, last = (Begin + W.Shape[0] + PackedMatrix.PanelRows - 1) / PackedMatrix.PanelRows;
            var loop = new PanelLoop<TSource>
            {
                Source = source, Set = Cpu.Set, First = first, Begin = Begin, Count = W.Shape[0], K = Packed.Columns, Scratch = Scratch, To = (float*)W.Address,
                RowStep = W.Stride(0), Step = W.Stride(1),
            };
            Cpu.Pool.Run(last - first, ref loop);
        }
    }

    private struct PanelLoop<TSource> : IParallelBody
        where TSource : struct, IPanelSource
    {
        public TSource Source;
        public InstructionSet Set;
        public int First, Begin, Count, K;
        public float* Scratch, To;
        public long RowStep, Step;

        public readonly void Execute(int item, int worker)
        {
            float* panel = Scratch + ((long)worker * K * PackedMatrix.PanelRows);
            Source.Decode(Set, First + item, 0, K, panel);
            for (int lane = 0; lane < PackedMatrix.PanelRows; lane++)
            {
                int row = ((First + item) * PackedMatrix.PanelRows) + lane - Begin;
                if (row < 0 || row >= Count)
                    continue;
                float* to = To + (row * RowStep);
                for (int c = 0; c < K; c++)
                    to[c * Step] = panel[(c * PackedMatrix.PanelRows) + lane];
            }
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
