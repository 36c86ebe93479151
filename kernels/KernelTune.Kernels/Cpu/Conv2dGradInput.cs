using KernelTune.Kernels.Numerics;

namespace KernelTune.Kernels.Cpu;

/// <summary>
/// dx of a convolution, as convolutions of dy: elements of x whose row and column have the same remainders by the strides (a phase) are reached by the same taps, so each phase is a product of
/// its own, over windows of dy, and nothing is multiplied by zeros.
/// </summary>
public static unsafe class Conv2dGradInput
{
    /// <summary>Bytes of workspace of <see cref="Run"/>.</summary>
    public static long Workspace(in Conv2dShape whole, int threads, InstructionSet set)
    {
        var trim = new Conv2dTrim(whole);
        var s = trim.Shape;
        var planes = Planes(s, out _, out _);
        int images = Conv2d.Images(planes, s.Images, s.Outputs), depth = MostTaps(s) * s.GroupOutputs;
        return trim.Bytes + Conv2d.PlanesBytes(planes, images * s.Outputs) + Conv2d.OffsetBytes(depth) + WeightBytes(s)
            + (s.Groups == 1 ? (long)MostWorkspace(s, images, threads, set) : threads * (long)MostWorkspace(s, images, 1, set));
    }

    /// <summary>dx = (dx +) the windows' gradients.</summary>
    public static void Run(in Conv2dShape whole, float* dy, float* w, float* dx, bool accumulate, byte* workspace, WorkerPool pool, InstructionSet set)
    {
        whole.AssertSound();
        var trim = new Conv2dTrim(whole);
        var s = trim.Shape;
        if (!trim.IsWhole)
        {
            float* used = Conv2d.Carve(ref workspace, trim.Bytes);
            trim.Cut(w, used);
            w = used;
        }
        var planes = Planes(s, out int top, out int left);
        int images = Conv2d.Images(planes, s.Images, s.Outputs), depth = MostTaps(s) * s.GroupOutputs;
        float* copied = Conv2d.Carve(ref workspace, Conv2d.PlanesBytes(planes, images * s.Outputs));
        int* offsets = (int*)Conv2d.Carve(ref workspace, Conv2d.OffsetBytes(depth));
        float* turned = Conv2d.Carve(ref workspace, WeightBytes(s));
        for (int first = 0; first < s.Images; first += images)
        {
            int count = Math.Min(images, s.Images - first);
            float* source = dy + ((nint)first * s.Outputs * s.Positions);
            if (!planes.IsAsStored)
                planes.Copy(pool, source, count * s.Outputs, copied);
            var loop = new PhaseLoop
            {
                Shape = s, Planes = planes, Images = count, DY = planes.IsAsStored ? source : copied, Offsets = offsets, W = w, Turned = turned,
                DX = dx + ((nint)first * s.Channels * s.Height * s.Width), Add = accumulate, Workspace = workspace, Set = set, Pool = s.Groups == 1 ? pool : null,
                Slot = MostWorkspace(s, images, 1, set),
            };
            for (int phaseRow = 0; phaseRow < Math.Min(s.StrideHeight, s.Height); phaseRow++)
            {
                for (int phaseColumn = 0; phaseColumn < Math.Min(s.StrideWidth, s.Width); phaseColumn++)
                {
                    (loop.PhaseRow, loop.PhaseColumn) = (phaseRow, phaseColumn);
                    loop.Depth = Prepare(s, planes, phaseRow, phaseColumn, top, left, offsets, w, turned, pool);
                    MatMulBlocking.Loop(s.Groups == 1 ? null : pool, s.Groups, ref loop);
                }
            }
        }
    }

    /// <summary>dy with as many zeros around it as the farthest taps reach; top and left are how many rows and columns of them come first.</summary>
    private static WindowPlanes Planes(in Conv2dShape s, out int top, out int left)
    {
        Reach(s.Height, s.StrideHeight, s.Top, s.KernelHeight, s.DilationHeight, out top, out int rows);
        Reach(s.Width, s.StrideWidth, s.Left, s.KernelWidth, s.DilationWidth, out left, out int columns);
        return new WindowPlanes(s.Rows, s.Columns, top, left, rows, columns, 1);
    }

    // Element a·stride + phase of an axis is tap i of position a + shift, shift = (phase + padding − i·dilation) / stride where that is whole.
    private static void Reach(int length, int stride, int padding, int kernel, int dilation, out int before, out int extent)
    {
        int least = 0, end = 1;
        for (int phase = 0; phase < Math.Min(stride, length); phase++)
        {
            for (int i = 0; i < kernel; i++)
            {
                if (!Shift(phase, stride, padding, i, dilation, out int shift))
                    continue;
                least = Math.Min(least, shift);
                end = Math.Max(end, Places(length, phase, stride) + shift);
            }
        }
        (before, extent) = (-least, end - least);
    }

    private static bool Shift(int phase, int stride, int padding, int tap, int dilation, out int shift)
    {
        int distance = phase + padding - (tap * dilation);
        shift = distance >= 0 ? distance / stride : -((-distance + stride - 1) / stride);
        return distance - (shift * stride) == 0;
    }

    /// <summary>Elements of an axis that have a remainder.</summary>
    private static int Places(int length, int phase, int stride) => (length - phase + stride - 1) / stride;

    // Offsets of a phase's taps into dy's planes, and the weight as [groups, C/G, (o, i, j)] of those taps. Gives the depth.
    private static int Prepare(in Conv2dShape s, in WindowPlanes planes, int phaseRow, int phaseColumn, int top, int left, int* offsets, float* w, float* turned, WorkerPool pool)
    {
        int* taps = stackalloc int[s.Taps];
        int count = 0, depth = 0;
        for (int i = 0; i < s.KernelHeight; i++)
        {
            for (int j = 0; j < s.KernelWidth; j++)
            {
                if (Shift(phaseRow, s.StrideHeight, s.Top, i, s.DilationHeight, out int down) && Shift(phaseColumn, s.StrideWidth, s.Left, j, s.DilationWidth, out int right))
                {
                    taps[count] = (i * s.KernelWidth) + j;
                    offsets[count++] = ((down + top) * planes.RowFloats) + right + left;
                }
            }
        }
        for (int o = s.GroupOutputs - 1; o >= 0; o--)
        {
            for (int t = 0; t < count; t++)
                offsets[(o * count) + t] = offsets[t] + (o * planes.PlaneFloats);
        }
        depth = s.GroupOutputs * count;
        var turn = new TurnLoop { Shape = s, Taps = taps, Count = count, W = w, To = turned };
        MatMulBlocking.Loop(depth * (long)s.Channels < 65536 ? null : pool, s.Groups * turn.Blocks, ref turn);
        return depth;
    }

    private static int MostTaps(in Conv2dShape s) => ((s.KernelHeight + s.StrideHeight - 1) / s.StrideHeight * Math.Max(1, s.DilationHeight > 1 ? s.StrideHeight : 1))
        * ((s.KernelWidth + s.StrideWidth - 1) / s.StrideWidth * Math.Max(1, s.DilationWidth > 1 ? s.StrideWidth : 1));

    private static long WeightBytes(in Conv2dShape s) => (long)MatMulBlocking.Lines((long)s.Channels * s.GroupOutputs * MostTaps(s));

    // Workspace grows with each extent, but not evenly: each phase is asked.
    private static nuint MostWorkspace(in Conv2dShape s, int images, int threads, InstructionSet set)
    {
        nuint most = 0;
        for (int phaseRow = 0; phaseRow < Math.Min(s.StrideHeight, s.Height); phaseRow++)
        {
            for (int phaseColumn = 0; phaseColumn < Math.Min(s.StrideWidth, s.Width); phaseColumn++)
            {
                int n = images * Places(s.Height, phaseRow, s.StrideHeight) * Places(s.Width, phaseColumn, s.StrideWidth);
                most = Math.Max(most, WindowProduct.Workspace(s.GroupChannels, n, TapsOf(s, phaseRow, phaseColumn) * s.GroupOutputs, threads, set));
            }
        }
        return most;
    }

    private static int TapsOf(in Conv2dShape s, int phaseRow, int phaseColumn)
    {
        int rows = 0, columns = 0;
        for (int i = 0; i < s.KernelHeight; i++)
            rows += Shift(phaseRow, s.StrideHeight, s.Top, i, s.DilationHeight, out _) ? 1 : 0;
        for (int j = 0; j < s.KernelWidth; j++)
            columns += Shift(phaseColumn, s.StrideWidth, s.Left, j, s.DilationWidth, out _) ? 1 : 0;
        return rows * columns;
    }

    // Some channels at a time: what is read of one output lies together, and each channel's row is written front to back.
    private struct TurnLoop : IParallelBody
    {
        private const int AtOnce = 16;

        public Conv2dShape Shape;
        public int* Taps;
        public int Count;
        public float* W, To;

        public readonly int Blocks => (Shape.GroupChannels + AtOnce - 1) / AtOnce;

        public readonly void Execute(int item, int worker)
        {
            var s = Shape;
            (int group, int block) = Math.DivRem(item, Blocks);
            int first = block * AtOnce, last = Math.Min(first + AtOnce, s.GroupChannels), outputs = s.GroupOutputs, count = Count;
            nint depth = (nint)outputs * count;
            for (int o = 0; o < outputs; o++)
            {
                float* from = W + ((((nint)group * outputs) + o) * s.Depth);
                float* to = To + ((nint)group * s.GroupChannels * depth) + ((nint)o * count);
                for (int c = first; c < last; c++)
                {
                    float* kernel = from + (c * s.Taps), row = to + (c * depth);
                    for (int t = 0; t < count; t++)
                        row[t] = kernel[Taps[t]];
                }
            }
        }
    }

    private struct PhaseLoop : IParallelBody
    {
        public Conv2dShape Shape;
        public WindowPlanes Planes;
        public int Images, PhaseRow, PhaseColumn, Depth;
        public float* DY, W, Turned, DX;
        public int* Offsets;
        public bool Add;
        public byte* Workspace;
        public nuint Slot;
        public WorkerPool? Pool;
        public InstructionSet Set;

        public readonly void Execute(int item, int worker)
        {
            var s = Shape;
            int channels = s.GroupChannels, rows = Places(s.Height, PhaseRow, s.StrideHeight), columns = Places(s.Width, PhaseColumn, s.StrideWidth);
            nint plane = (nint)s.Height * s.Width;
            float* start = DX + (item * channels * plane) + ((nint)PhaseRow * s.Width) + PhaseColumn;
            var target = new WindowTarget(start, null, rows, columns, s.Channels * plane, plane, (nint)s.StrideHeight * s.Width, s.StrideWidth);
            if (Depth == 0 && Add)
                return;
            var positions = new WindowPositions(Images, rows, columns, (nint)s.Outputs * Planes.PlaneFloats, Planes.RowFloats);
            var right = new WindowsRight(DY + ((nint)item * s.GroupOutputs * Planes.PlaneFloats), Offsets, positions, !Planes.IsAsStored);
            WindowProduct.Run(channels, Images * rows * columns, Depth, new RowsLeft(Turned + ((nint)item * channels * Depth), Depth), right, target, Add,
                Workspace + ((nuint)worker * (Pool is null ? Slot : 0)), Pool, Set);
        }
    }
}
