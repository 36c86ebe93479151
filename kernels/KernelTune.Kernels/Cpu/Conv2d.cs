using KernelTune.Kernels.Numerics;

namespace KernelTune.Kernels.Cpu;

/// <summary>
/// Convolutions through the products' microkernel: windows are unfolded while the right operand is packed, some images at a time, so that their padded planes stay in cache. The order of every
/// sum is a matter of the shape alone.
/// </summary>
public static unsafe class Conv2d
{
    /// <summary>Bytes of workspace of <see cref="Forward"/>.</summary>
    public static long ForwardWorkspace(in Conv2dShape whole, int threads, InstructionSet set)
    {
        var trim = new Conv2dTrim(whole);
        var s = trim.Shape;
        var parts = new ImageParts(Planes(s), s.Images, s.Channels);
        return trim.Bytes + parts.Bytes + OffsetBytes(s.Depth) + ForwardRoom(s, parts, threads, set).Bytes;
    }

    /// <summary>y = w ∗ x + bias; bias: [Outputs] or null.</summary>
    public static void Forward(in Conv2dShape whole, float* x, float* w, float* bias, float* y, byte* workspace, WorkerPool pool, InstructionSet set)
    {
        whole.AssertSound();
        var trim = new Conv2dTrim(whole);
        var s = trim.Shape;
        w = trim.Cut(w, ref workspace);
        var planes = Planes(s);
        var parts = new ImageParts(planes, s.Images, s.Channels);
        float* copied = Carve(ref workspace, parts.Bytes);
        int* offsets = Taps(s, planes, ref workspace);
        var room = ForwardRoom(s, parts, pool.Workers, set);
        for (int first = 0, count; first < s.Images; first += count)
        {
            float* read = parts.Read(first, x, copied, pool, out count);
            new WindowGroups<RowsLeft, WindowsRight>
            {
                Room = room, Workspace = workspace, Extents = ForwardExtents(s, count), Add = false,
                Left = new RowsLeft(w, s.Depth), LeftFloats = (nint)s.GroupOutputs * s.Depth,
                Right = new WindowsRight(read, offsets, Positions(s, planes, count), !planes.IsAsStored), RightFloats = (nint)s.GroupChannels * planes.PlaneFloats,
                Target = new WindowTarget(y + ((nint)first * s.Outputs * s.Positions), bias, 1, s.Positions, (nint)s.Outputs * s.Positions, s.Positions, 0, 1),
            }.Run(pool);
        }
    }

    /// <summary>Bytes of workspace of <see cref="GradWeight"/>.</summary>
    public static long GradWeightWorkspace(in Conv2dShape whole, int threads, InstructionSet set)
    {
        var trim = new Conv2dTrim(whole);
        var s = trim.Shape;
        var parts = new ImageParts(Planes(s), s.Images, s.Channels);
        return trim.Bytes + parts.Bytes + OffsetBytes(s.Depth) + GradWeightRoom(s, parts, threads, set).Bytes;
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
        var parts = new ImageParts(planes, s.Images, s.Channels);
        float* copied = Carve(ref workspace, parts.Bytes);
        int* offsets = Taps(s, planes, ref workspace);
        var room = GradWeightRoom(s, parts, pool.Workers, set);
        for (int first = 0, count; first < s.Images; first += count)
        {
            float* read = parts.Read(first, x, copied, pool, out count);
            nint image = (nint)s.Outputs * s.Positions;
            new WindowGroups<ImagesLeft, WindowsAcrossRight>
            {
                Room = room, Workspace = workspace, Extents = GradWeightExtents(s, count), Add = accumulate || first > 0,
                Left = new ImagesLeft(dy + (first * image), s.Positions, image), LeftFloats = (nint)s.GroupOutputs * s.Positions,
                Right = new WindowsAcrossRight(read, offsets, s.Depth, Positions(s, planes, count)), RightFloats = (nint)s.GroupChannels * planes.PlaneFloats,
                Target = new WindowTarget(dw, null, 1, s.Depth, 0, s.Depth, 0, 1),
            }.Run(pool);
        }
    }

    private static WindowExtents ForwardExtents(in Conv2dShape s, int images) => new(s.GroupOutputs, images * s.Positions, s.Depth);

    private static WindowRoom ForwardRoom(in Conv2dShape s, in ImageParts parts, int threads, InstructionSet set)
    {
        var room = new WindowRoom(s.Groups, threads, set);
        room.Hold(ForwardExtents(s, parts.Whole));
        room.Hold(ForwardExtents(s, parts.Last));
        return room;
    }

    private static WindowExtents GradWeightExtents(in Conv2dShape s, int images) => new(s.GroupOutputs, s.Depth, images * s.Positions);

    private static WindowRoom GradWeightRoom(in Conv2dShape s, in ImageParts parts, int threads, InstructionSet set)
    {
        var room = new WindowRoom(s.Groups, threads, set);
        room.Hold(GradWeightExtents(s, parts.Whole));
        room.Hold(GradWeightExtents(s, parts.Last));
        return room;
    }

    /// <summary>The planes that windows over x read.</summary>
    private static WindowPlanes Planes(in Conv2dShape s) => new(s.Height, s.Width, s.Top, s.Left,
        ((s.Rows - 1) * s.StrideHeight) + ((s.KernelHeight - 1) * s.DilationHeight) + 1, ((s.Columns - 1) * s.StrideWidth) + ((s.KernelWidth - 1) * s.DilationWidth) + 1, s.StrideWidth);

    private static WindowPositions Positions(in Conv2dShape s, in WindowPlanes planes, int images) =>
        new(images, s.Rows, s.Columns, (nint)s.Channels * planes.PlaneFloats, (nint)s.StrideHeight * planes.RowFloats);

    /// <summary>[(c, i, j)]: from a window's start in a group's first plane to a tap.</summary>
    private static int* Taps(in Conv2dShape s, in WindowPlanes planes, ref byte* workspace)
    {
        int* offsets = (int*)Carve(ref workspace, OffsetBytes(s.Depth)), next = offsets;
        for (int c = 0; c < s.GroupChannels; c++)
        {
            for (int i = 0; i < s.KernelHeight; i++)
            {
                for (int j = 0; j < s.KernelWidth; j++)
                    *next++ = (c * planes.PlaneFloats) + (i * s.DilationHeight * planes.RowFloats) + planes.Column(j * s.DilationWidth);
            }
        }
        return offsets;
    }

    internal static long OffsetBytes(int count) => (long)MatMulBlocking.Lines(count);

    internal static float* Carve(ref byte* workspace, long bytes)
    {
        float* start = (float*)workspace;
        workspace += bytes;
        return start;
    }
}
