using KernelTune.Devices.Calls;
using KernelTune.Kernels.Cpu;

namespace KernelTune.Devices.Cpu;

/// <summary>Windows of planes, a tap's row of positions at a time.</summary>
internal sealed unsafe class CpuUnfold(CpuContext cpu) : CpuKernel<UnfoldCall>(cpu)
{
    public override void Run(in UnfoldCall call, nint workspace)
    {
        UnfoldCall.Check(UnfoldCall.Name, call.X, call.Y, call.Window);
        MatrixOperand.CheckType(UnfoldCall.Name, call.X, call.Y);
        if (call.Y.Elements == 0)
            return;
        var loop = new Loop { Call = call };
        Cpu.Pool.Run(checked(call.X.Shape[0] * call.X.Shape[1] * call.Window.Taps), ref loop);
    }

    private struct Loop : IParallelBody
    {
        public UnfoldCall Call;

        public readonly void Execute(int item, int worker)
        {
            var (x, y, w) = (Call.X, Call.Y, Call.Window);
            (int plane, int tap) = Math.DivRem(item, w.Taps);
            (int b, int c) = Math.DivRem(plane, x.Shape[1]);
            float* from = (float*)x.Address + (b * x.Stride(0)) + (c * x.Stride(1));
            float* to = (float*)y.Address + (b * y.Stride(0)) + (c * y.Stride(1)) + (tap * y.Stride(2));
            long step = y.Stride(3);
            int first = w.FirstColumn(0) + (tap % w.KernelWidth * w.DilationWidth);
            for (int oy = 0; oy < w.Rows; oy++, to += w.Columns * step)
            {
                int row = w.FirstRow(oy) + (tap / w.KernelWidth * w.DilationHeight);
                int width = (uint)row < (uint)x.Shape[2] ? x.Shape[3] : 0;
                WindowRows.Read(from + (row * x.Stride(2)), x.Stride(3), width, first, w.StrideWidth, to, step, w.Columns, (float)Call.Padding);
            }
        }
    }
}

/// <summary>Windows added up in their planes. A piece of work owns one plane and takes the taps in order.</summary>
internal sealed unsafe class CpuFold(CpuContext cpu) : CpuKernel<FoldCall>(cpu)
{
    // Taps are added up before they are added to what is there: a row at a time.
    public override long Workspace(in FoldCall call, int threads) => (long)threads * RowBytes(call.X);

    public override void Run(in FoldCall call, nint workspace)
    {
        UnfoldCall.Check(FoldCall.Name, call.X, call.Y, call.Window);
        MatrixOperand.CheckType(FoldCall.Name, call.X, call.Y);
        if (call.X.Elements == 0)
            return;
        var loop = new Loop { Call = call, Rows = (byte*)workspace, RowBytes = RowBytes(call.X) };
        Cpu.Pool.Run(checked(call.X.Shape[0] * call.X.Shape[1]), ref loop);
    }

    private static long RowBytes(in View x) => ((x.Shape[3] * sizeof(float)) + 63L) / 64 * 64;

    private struct Loop : IParallelBody
    {
        public FoldCall Call;
        public byte* Rows;
        public long RowBytes;

        public readonly void Execute(int item, int worker)
        {
            var (x, y, w) = (Call.X, Call.Y, Call.Window);
            (int b, int c) = Math.DivRem(item, x.Shape[1]);
            float* to = (float*)x.Address + (b * x.Stride(0)) + (c * x.Stride(1));
            float* from = (float*)y.Address + (b * y.Stride(0)) + (c * y.Stride(1));
            float* sums = (float*)(Rows + (worker * RowBytes));
            int width = x.Shape[3];
            for (int row = 0; row < x.Shape[2]; row++, to += x.Stride(2))
            {
                new Span<float>(sums, width).Clear();
                for (int i = 0; i < w.KernelHeight; i++)
                {
                    (int oy, int rest) = Math.DivRem(row + w.Top - (i * w.DilationHeight), w.StrideHeight);
                    if (rest != 0 || oy < 0 || oy >= w.Rows)
                        continue;
                    for (int j = 0; j < w.KernelWidth; j++)
                    {
                        float* taps = from + (((i * w.KernelWidth) + j) * y.Stride(2)) + (oy * (long)w.Columns * y.Stride(3));
                        WindowRows.Add(taps, y.Stride(3), sums, 1, width, w.FirstColumn(0) + (j * w.DilationWidth), w.StrideWidth, w.Columns);
                    }
                }
                for (int column = 0; column < width; column++)
                {
                    float* element = to + (column * x.Stride(3));
                    *element = Call.Accumulate ? *element + sums[column] : sums[column];
                }
            }
        }
    }
}
