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
        var parts = new ImageParts(Planes(s, out _, out _), s.Images, s.Outputs);
        return trim.Bytes + parts.Bytes + Conv2d.OffsetBytes(s.Taps) + Conv2d.OffsetBytes(MostTaps(s) * s.GroupOutputs) + WeightBytes(s) + Room(s, parts, threads, set).Bytes;
    }

    /// <summary>dx = (dx +) the windows' gradients.</summary>
    public static void Run(in Conv2dShape whole, float* dy, float* w, float* dx, bool accumulate, byte* workspace, WorkerPool pool, InstructionSet set)
    {
        whole.AssertSound();
        var trim = new Conv2dTrim(whole);
        var s = trim.Shape;
        w = trim.Cut(w, ref workspace);
        var planes = Planes(s, out int top, out int left);
        var parts = new ImageParts(planes, s.Images, s.Outputs);
        float* copied = Conv2d.Carve(ref workspace, parts.Bytes);
        int* taps = (int*)Conv2d.Carve(ref workspace, Conv2d.OffsetBytes(s.Taps));
        int* offsets = (int*)Conv2d.Carve(ref workspace, Conv2d.OffsetBytes(MostTaps(s) * s.GroupOutputs));
        float* turned = Conv2d.Carve(ref workspace, WeightBytes(s));
        var room = Room(s, parts, pool.Workers, set);
        nint plane = (nint)s.Height * s.Width;
        for (int first = 0, count; first < s.Images; first += count)
        {
            float* read = parts.Read(first, dy, copied, pool, out count);
            for (int phaseRow = 0; phaseRow < Math.Min(s.StrideHeight, s.Height); phaseRow++)
            {
                for (int phaseColumn = 0; phaseColumn < Math.Min(s.StrideWidth, s.Width); phaseColumn++)
                {
                    var extents = Extents(s, count, phaseRow, phaseColumn);
                    if (extents.K == 0 && accumulate)
                        continue;
                    Prepare(s, planes, phaseRow, phaseColumn, top, left, taps, offsets, w, turned, pool);
                    int rows = Places(s.Height, phaseRow, s.StrideHeight), columns = Places(s.Width, phaseColumn, s.StrideWidth);
                    float* start = dx + (first * s.Channels * plane) + ((nint)phaseRow * s.Width) + phaseColumn;
                    var positions = new WindowPositions(count, rows, columns, (nint)s.Outputs * planes.PlaneFloats, planes.RowFloats);
                    new WindowGroups<RowsLeft, WindowsRight>
                    {
                        Room = room, Workspace = workspace, Extents = extents, Add = accumulate,
                        Left = new RowsLeft(turned, extents.K), LeftFloats = (nint)s.GroupChannels * extents.K,
                        Right = new WindowsRight(read, offsets, positions, !planes.IsAsStored), RightFloats = (nint)s.GroupOutputs * planes.PlaneFloats,
                        Target = new WindowTarget(start, null, rows, columns, s.Channels * plane, plane, (nint)s.StrideHeight * s.Width, s.StrideWidth),
                    }.Run(pool);
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

    // Offsets of a phase's taps into dy's planes, and the weight as [groups, C/G, (o, i, j)] of those taps.
    private static void Prepare(in Conv2dShape s, in WindowPlanes planes, int phaseRow, int phaseColumn, int top, int left, int* taps, int* offsets, float* w, float* turned, WorkerPool pool)
    {
        int count = 0;
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
        var turn = new TurnLoop { Shape = s, Taps = taps, Count = count, W = w, To = turned };
        MatMulBlocking.Loop((long)s.GroupOutputs * count * s.Channels < 65536 ? null : pool, s.Groups * turn.Blocks, ref turn);
    }

    private static int MostTaps(in Conv2dShape s)
    {
        int most = 0;
        for (int phaseRow = 0; phaseRow < Math.Min(s.StrideHeight, s.Height); phaseRow++)
        {
            for (int phaseColumn = 0; phaseColumn < Math.Min(s.StrideWidth, s.Width); phaseColumn++)
                most = Math.Max(most, TapsOf(s, phaseRow, phaseColumn));
        }
        return most;
    }

    private static long WeightBytes(in Conv2dShape s) => (long)MatMulBlocking.Lines((long)s.Channels * s.GroupOutputs * MostTaps(s));

    /// <summary>The product of a phase over some images.</summary>
    private static WindowExtents Extents(in Conv2dShape s, int images, int phaseRow, int phaseColumn) =>
        new(s.GroupChannels, images * Places(s.Height, phaseRow, s.StrideHeight) * Places(s.Width, phaseColumn, s.StrideWidth), TapsOf(s, phaseRow, phaseColumn) * s.GroupOutputs);

    private static WindowRoom Room(in Conv2dShape s, in ImageParts parts, int threads, InstructionSet set)
    {
        var room = new WindowRoom(s.Groups, threads, set);
        for (int phaseRow = 0; phaseRow < Math.Min(s.StrideHeight, s.Height); phaseRow++)
        {
            for (int phaseColumn = 0; phaseColumn < Math.Min(s.StrideWidth, s.Width); phaseColumn++)
            {
                room.Hold(Extents(s, parts.Whole, phaseRow, phaseColumn));
                room.Hold(Extents(s, parts.Last, phaseRow, phaseColumn));
            }
        }
        return room;
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
}
