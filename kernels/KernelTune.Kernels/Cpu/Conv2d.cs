using KernelTune.Kernels.Numerics;

namespace KernelTune.Kernels.Cpu;

/// <summary>
/// Convolutions through the products' microkernel: windows are unfolded while the right operand is packed, some images at a time, so that their padded planes stay in cache. The order of every
/// sum is a matter of the shape alone.
/// </summary>
public static unsafe class Conv2d
{
    // Bytes of padded planes that are laid out at a time (but always one image's).
    private const long PlaneBytes = 4L << 20;

    /// <summary>Bytes of workspace of <see cref="Forward"/>.</summary>
    public static long ForwardWorkspace(in Conv2dShape whole, int threads, InstructionSet set)
    {
        var trim = new Conv2dTrim(whole);
        var s = trim.Shape;
        var planes = Planes(s);
        int images = Images(planes, s.Images, s.Channels);
        return trim.Bytes + PlanesBytes(planes, images * s.Channels) + OffsetBytes(s.Depth) + Products(s.Groups, threads, s.GroupOutputs, images * s.Positions, s.Depth, set);
    }

    /// <summary>y = w ∗ x + bias; bias: [Outputs] or null.</summary>
    public static void Forward(in Conv2dShape whole, float* x, float* w, float* bias, float* y, byte* workspace, WorkerPool pool, InstructionSet set)
    {
        whole.AssertSound();
        var trim = new Conv2dTrim(whole);
        var s = trim.Shape;
        if (!trim.IsWhole)
        {
            float* left = Carve(ref workspace, trim.Bytes);
            trim.Cut(w, left);
            w = left;
        }
        var planes = Planes(s);
        int images = Images(planes, s.Images, s.Channels);
        float* copied = Carve(ref workspace, PlanesBytes(planes, images * s.Channels));
        int* offsets = (int*)Carve(ref workspace, OffsetBytes(s.Depth));
        Taps(s, planes, offsets);
        for (int first = 0; first < s.Images; first += images)
        {
            int count = Math.Min(images, s.Images - first);
            float* source = x + ((nint)first * s.Channels * s.Height * s.Width);
            if (!planes.IsAsStored)
                planes.Copy(pool, source, count * s.Channels, copied);
            var loop = new ForwardLoop
            {
                Shape = s, Planes = planes, Images = count, X = planes.IsAsStored ? source : copied, Offsets = offsets, W = w, Bias = bias,
                Y = y + ((nint)first * s.Outputs * s.Positions), Workspace = workspace, Set = set, Pool = s.Groups == 1 ? pool : null,
                Slot = WindowProduct.Workspace(s.GroupOutputs, images * s.Positions, s.Depth, 1, set),
            };
            MatMulBlocking.Loop(s.Groups == 1 ? null : pool, s.Groups, ref loop);
        }
    }

    /// <summary>Bytes of workspace of <see cref="GradWeight"/>.</summary>
    public static long GradWeightWorkspace(in Conv2dShape whole, int threads, InstructionSet set)
    {
        var trim = new Conv2dTrim(whole);
        var s = trim.Shape;
        var planes = Planes(s);
        int images = Images(planes, s.Images, s.Channels);
        return trim.Bytes + PlanesBytes(planes, images * s.Channels) + OffsetBytes(s.Depth) + Products(s.Groups, threads, s.GroupOutputs, s.Depth, images * s.Positions, set);
    }

    /// <summary>dw = (dw +) Σ over images and positions of dy · window. Sums go over some images at a time, in order.</summary>
    public static void GradWeight(in Conv2dShape whole, float* x, float* dy, float* dw, bool accumulate, byte* workspace, WorkerPool pool, InstructionSet set)
    {
        whole.AssertSound();
        var trim = new Conv2dTrim(whole);
        if (trim.IsWhole)
        {
            GradTrimmed(whole, x, dy, dw, accumulate, workspace, pool, set);
            return;
        }
        float* left = Carve(ref workspace, trim.Bytes);
        GradTrimmed(trim.Shape, x, dy, left, false, workspace, pool, set);
        trim.PutBack(left, dw, accumulate);
    }

    private static void GradTrimmed(in Conv2dShape s, float* x, float* dy, float* dw, bool accumulate, byte* workspace, WorkerPool pool, InstructionSet set)
    {
        var planes = Planes(s);
        int images = Images(planes, s.Images, s.Channels);
        float* copied = Carve(ref workspace, PlanesBytes(planes, images * s.Channels));
        int* offsets = (int*)Carve(ref workspace, OffsetBytes(s.Depth));
        Taps(s, planes, offsets);
        for (int first = 0; first < s.Images; first += images)
        {
            int count = Math.Min(images, s.Images - first);
            float* source = x + ((nint)first * s.Channels * s.Height * s.Width);
            if (!planes.IsAsStored)
                planes.Copy(pool, source, count * s.Channels, copied);
            var loop = new GradWeightLoop
            {
                Shape = s, Planes = planes, Images = count, X = planes.IsAsStored ? source : copied, Offsets = offsets, DY = dy + ((nint)first * s.Outputs * s.Positions), DW = dw,
                Add = accumulate || first > 0, Workspace = workspace, Set = set, Pool = s.Groups == 1 ? pool : null,
                Slot = WindowProduct.Workspace(s.GroupOutputs, s.Depth, images * s.Positions, 1, set),
            };
            MatMulBlocking.Loop(s.Groups == 1 ? null : pool, s.Groups, ref loop);
        }
    }

    /// <summary>The planes that windows over x read.</summary>
    private static WindowPlanes Planes(in Conv2dShape s) => new(s.Height, s.Width, s.Top, s.Left,
        ((s.Rows - 1) * s.StrideHeight) + ((s.KernelHeight - 1) * s.DilationHeight) + 1, ((s.Columns - 1) * s.StrideWidth) + ((s.KernelWidth - 1) * s.DilationWidth) + 1, s.StrideWidth);

    /// <summary>offsets[(c, i, j)]: from a window's start in a group's first plane to a tap.</summary>
    private static void Taps(in Conv2dShape s, in WindowPlanes planes, int* offsets)
    {
        for (int c = 0; c < s.GroupChannels; c++)
        {
            for (int i = 0; i < s.KernelHeight; i++)
            {
                for (int j = 0; j < s.KernelWidth; j++)
                    *offsets++ = (c * planes.PlaneFloats) + (i * s.DilationHeight * planes.RowFloats) + planes.Column(j * s.DilationWidth);
            }
        }
    }

    internal static int Images(in WindowPlanes planes, int images, int channels) =>
        (int)Math.Clamp(PlaneBytes / Math.Max(1, (long)planes.PlaneFloats * channels * sizeof(float)), 1, Math.Max(1, images));

    // Eight floats more: a run may be read eight at a time.
    internal static long PlanesBytes(in WindowPlanes planes, int count) => planes.IsAsStored ? 0 : (long)MatMulBlocking.Lines(((long)planes.PlaneFloats * count) + 8);

    internal static long OffsetBytes(int count) => (long)MatMulBlocking.Lines(count);

    internal static float* Carve(ref byte* workspace, long bytes)
    {
        float* start = (float*)workspace;
        workspace += bytes;
        return start;
    }

    /// <summary>One group is shared by the threads; several are taken one a thread.</summary>
    private static long Products(int groups, int threads, int m, int n, int k, InstructionSet set) =>
        groups == 1 ? (long)WindowProduct.Workspace(m, n, k, threads, set) : threads * (long)WindowProduct.Workspace(m, n, k, 1, set);

    private struct ForwardLoop : IParallelBody
    {
        public Conv2dShape Shape;
        public WindowPlanes Planes;
        public int Images;
        public float* X, W, Bias, Y;
        public int* Offsets;
        public byte* Workspace;
        public nuint Slot;
        public WorkerPool? Pool;
        public InstructionSet Set;

        public readonly void Execute(int item, int worker)
        {
            var s = Shape;
            int outputs = s.GroupOutputs;
            var positions = new WindowPositions(Images, s.Rows, s.Columns, (nint)s.Channels * Planes.PlaneFloats, (nint)s.StrideHeight * Planes.RowFloats);
            var right = new WindowsRight(X + ((nint)item * s.GroupChannels * Planes.PlaneFloats), Offsets, positions, !Planes.IsAsStored);
            var target = new WindowTarget(Y + ((nint)item * outputs * s.Positions), Bias == null ? null : Bias + (item * outputs), 1, s.Positions, (nint)s.Outputs * s.Positions, s.Positions, 0, 1);
            WindowProduct.Run(outputs, Images * s.Positions, s.Depth, new RowsLeft(W + ((nint)item * outputs * s.Depth), s.Depth), right, target, false,
                Workspace + ((nuint)worker * (Pool is null ? Slot : 0)), Pool, Set);
        }
    }

    private struct GradWeightLoop : IParallelBody
    {
        public Conv2dShape Shape;
        public WindowPlanes Planes;
        public int Images;
        public float* X, DY, DW;
        public int* Offsets;
        public bool Add;
        public byte* Workspace;
        public nuint Slot;
        public WorkerPool? Pool;
        public InstructionSet Set;

        public readonly void Execute(int item, int worker)
        {
            var s = Shape;
            int outputs = s.GroupOutputs;
            var positions = new WindowPositions(Images, s.Rows, s.Columns, (nint)s.Channels * Planes.PlaneFloats, (nint)s.StrideHeight * Planes.RowFloats);
            var right = new WindowsAcrossRight(X + ((nint)item * s.GroupChannels * Planes.PlaneFloats), Offsets, s.Depth, positions);
            var left = new ImagesLeft(DY + ((nint)item * outputs * s.Positions), s.Positions, (nint)s.Outputs * s.Positions);
            var target = new WindowTarget(DW + ((nint)item * outputs * s.Depth), null, 1, s.Depth, 0, s.Depth, 0, 1);
            WindowProduct.Run(outputs, s.Depth, Images * s.Positions, left, right, target, Add, Workspace + ((nuint)worker * (Pool is null ? Slot : 0)), Pool, Set);
        }
    }
}
