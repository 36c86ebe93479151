using KernelTune.Kernels.Cpu;
using KernelTune.Kernels.Numerics;
using KernelTune.Kernels.Tests.MatMul;

namespace KernelTune.Kernels.Tests.Convolution;

/// <summary>
/// Images that are no multiple of what is taken at a time: a shorter last part is cut otherwise than a whole one and may want more workspace. Bits are those of one thread, and where images
/// do not meet in a sum, those of each image alone.
/// </summary>
public sealed unsafe class Conv2dWorkspaceTests
{
    // Floats behind the workspace that must stay as they are: more than any of the products would reach.
    private const int Behind = 1 << 20;

    private static readonly InstructionSet[] Sets = [.. Enum.GetValues<InstructionSet>().Where(InstructionSets.IsSupported)];

    private static readonly (int Images, int Channels, int Outputs, int Size, int Kernel, int Stride, int Groups)[] Sizes =
    [
        (32, 64, 128, 56, 1, 2, 1), (10, 128, 128, 28, 3, 1, 1), (25, 256, 256, 14, 1, 1, 1), (25, 64, 64, 14, 3, 1, 1), (7, 64, 64, 56, 3, 1, 1), (12, 128, 96, 28, 3, 2, 1),
        (10, 128, 128, 28, 1, 1, 4), (23, 64, 64, 28, 3, 2, 4), (27, 48, 96, 28, 3, 1, 3), (5, 24, 24, 63, 3, 2, 24),
    ];

    private delegate long Bytes(in Conv2dShape s, int threads, InstructionSet set);

    private delegate void Direction(in Conv2dShape s, float* source, float* other, float* result, byte* workspace, WorkerPool pool, InstructionSet set);

    [TestCaseSource(nameof(Sizes))]
    public void Forward((int Images, int Channels, int Outputs, int Size, int Kernel, int Stride, int Groups) size) =>
        Check(size, Conv2d.ForwardWorkspace, Convolve, X, W, Y, true);

    [TestCaseSource(nameof(Sizes))]
    public void GradInput((int Images, int Channels, int Outputs, int Size, int Kernel, int Stride, int Groups) size) =>
        Check(size, Conv2dGradInput.Workspace, GradientOfInput, Y, W, X, true);

    [TestCaseSource(nameof(Sizes))]
    public void GradWeight((int Images, int Channels, int Outputs, int Size, int Kernel, int Stride, int Groups) size) =>
        Check(size, Conv2d.GradWeightWorkspace, GradientOfWeight, X, Y, W, false);

    [Test]
    public void NoShapeReachesBehindTheWorkspace([Range(1, 8)] int threads)
    {
        var random = new Random(threads);
        using var pool = new WorkerPool(threads);
        for (int shape = 0; shape < 12; shape++)
        {
            // dX lays out planes of dy, the others planes of x: those with many planes are taken in parts.
            Sweep(Uneven(random, swapped: false), Conv2d.ForwardWorkspace, Convolve, X, W, Y, pool, Sets[shape % Sets.Length]);
            Sweep(Uneven(random, swapped: false), Conv2d.GradWeightWorkspace, GradientOfWeight, X, Y, W, pool, Sets[shape % Sets.Length]);
            Sweep(Uneven(random, swapped: true), Conv2dGradInput.Workspace, GradientOfInput, Y, W, X, pool, Sets[shape % Sets.Length]);
        }
    }

    private static void Convolve(in Conv2dShape s, float* x, float* w, float* y, byte* workspace, WorkerPool pool, InstructionSet set) => Conv2d.Forward(s, x, w, null, y, workspace, pool, set);

    private static void GradientOfInput(in Conv2dShape s, float* dy, float* w, float* dx, byte* workspace, WorkerPool pool, InstructionSet set) =>
        Conv2dGradInput.Run(s, dy, w, dx, false, workspace, pool, set);

    private static void GradientOfWeight(in Conv2dShape s, float* x, float* dy, float* dw, byte* workspace, WorkerPool pool, InstructionSet set) =>
        Conv2d.GradWeight(s, x, dy, dw, false, workspace, pool, set);

    private static void Sweep(in Conv2dShape s, Bytes bytes, Direction direction, Func<Conv2dShape, long> source, Func<Conv2dShape, long> other, Func<Conv2dShape, long> result, WorkerPool pool,
        InstructionSet set)
    {
        using Floats a = new(source(s)), b = new(other(s)), got = new(result(s));
        a.Span.Fill(1);
        b.Span.Fill(1);
        got.Span.Fill(float.NaN);
        Run(s, a.Pointer, b.Pointer, got.Pointer, bytes, direction, pool, set);
        bool whole = true;
        foreach (float value in got.Span)
            whole &= float.IsInteger(value);
        Assert.That(whole && got.Intact, Is.True, $"every element, and nothing else, is written: {s}");
    }

    // Enough images for a whole part of the planes that are laid out and some of another.
    private static Conv2dShape Uneven(Random random, bool swapped)
    {
        int groups = random.Next(3) switch { 0 => random.Next(2, 6), _ => 1 };
        int many = random.Next(8, 65) * groups, few = random.Next(1, 13) * groups, height = random.Next(7, 40), width = random.Next(7, 40);
        int kernelHeight = random.Next(1, 4), kernelWidth = random.Next(1, 4), strideHeight = random.Next(1, 4), strideWidth = random.Next(1, 4);
        int dilationHeight = random.Next(1, 3), dilationWidth = random.Next(1, 3), top = random.Next(0, 3), left = random.Next(0, 3);
        int rows = ((height + (2 * top) - (dilationHeight * (kernelHeight - 1)) - 1) / strideHeight) + 1, columns = ((width + (2 * left) - (dilationWidth * (kernelWidth - 1)) - 1) / strideWidth) + 1;
        int planes = many * (swapped ? rows * columns : height * width);
        return new()
        {
            Images = (int)((1 << 20) / planes * (1.1 + random.NextDouble())) + 1, Channels = swapped ? few : many, Outputs = swapped ? many : few, Groups = groups, Height = height, Width = width,
            KernelHeight = kernelHeight, KernelWidth = kernelWidth, StrideHeight = strideHeight, StrideWidth = strideWidth, DilationHeight = dilationHeight, DilationWidth = dilationWidth,
            Top = top, Left = left, Rows = rows, Columns = columns,
        };
    }

    private static void Check((int Images, int Channels, int Outputs, int Size, int Kernel, int Stride, int Groups) size, Bytes bytes, Direction direction, Func<Conv2dShape, long> source,
        Func<Conv2dShape, long> other, Func<Conv2dShape, long> result, bool eachAlone)
    {
        var s = Shape(size.Images, size);
        using Floats a = Floats.Random(source(s), 1), b = Floats.Random(other(s), 2), expected = new(result(s)), got = new(result(s));
        using var one = new WorkerPool(1);
        if (eachAlone)
        {
            var single = Shape(1, size);
            for (int image = 0; image < s.Images; image++)
                Run(single, a.Pointer + (image * source(single)), b.Pointer, expected.Pointer + (image * result(single)), bytes, direction, one, Sets[0]);
        }
        else
        {
            Run(s, a.Pointer, b.Pointer, expected.Pointer, bytes, direction, one, Sets[0]);
        }
        foreach (int threads in (int[])[1, 2, 3])
        {
            using var pool = new WorkerPool(threads);
            foreach (var set in Sets)
            {
                got.Span.Fill(float.NaN);
                Run(s, a.Pointer, b.Pointer, got.Pointer, bytes, direction, pool, set);
                Assert.That(got.BitsDiffering(expected), Is.Zero, $"elements that differ, {threads} threads, {set}");
            }
        }
        Assert.That(got.Intact && expected.Intact, Is.True, "nothing is written outside the result");
    }

    private static void Run(in Conv2dShape s, float* source, float* other, float* result, Bytes bytes, Direction direction, WorkerPool pool, InstructionSet set)
    {
        long floats = (bytes(s, pool.Workers, set) + 3) / 4;
        using var workspace = new Floats(floats + Behind);
        var behind = workspace.Span[(int)floats..];
        behind.Fill(7);
        direction(s, source, other, result, (byte*)workspace.Pointer, pool, set);
        Assert.That(behind.IndexOfAnyExcept(7f), Is.EqualTo(-1), $"the first float behind the workspace that was written, {pool.Workers} threads, {set}, {s}");
    }

    private static long X(Conv2dShape s) => (long)s.Images * s.Channels * s.Height * s.Width;

    private static long W(Conv2dShape s) => (long)s.Outputs * s.Depth;

    private static long Y(Conv2dShape s) => (long)s.Images * s.Outputs * s.Positions;

    private static Conv2dShape Shape(int images, (int Images, int Channels, int Outputs, int Size, int Kernel, int Stride, int Groups) size)
    {
        int padding = size.Kernel / 2, positions = ((size.Size + (2 * padding) - size.Kernel) / size.Stride) + 1;
        return new()
        {
            Images = images, Channels = size.Channels, Outputs = size.Outputs, Groups = size.Groups, Height = size.Size, Width = size.Size, KernelHeight = size.Kernel, KernelWidth = size.Kernel,
            StrideHeight = size.Stride, StrideWidth = size.Stride, DilationHeight = 1, DilationWidth = 1, Top = padding, Left = padding, Rows = positions, Columns = positions,
        };
    }
}
