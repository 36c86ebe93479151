using System.Diagnostics;

namespace KernelTune.Kernels.Cpu;

/// <summary>
/// A convolution of dense planes: x [Images, Channels, Height, Width], w [Outputs, Channels/Groups, KernelHeight, KernelWidth], y [Images, Outputs, Rows, Columns]. Tap (i, j) of position
/// (oy, ox) is at row oy·StrideHeight − Top + i·DilationHeight, column ox·StrideWidth − Left + j·DilationWidth; outside the plane it is 0.
/// </summary>
public readonly record struct Conv2dShape
{
    public required int Images { get; init; }

    public required int Channels { get; init; }

    public required int Outputs { get; init; }

    public required int Groups { get; init; }

    public required int Height { get; init; }

    public required int Width { get; init; }

    public required int KernelHeight { get; init; }

    public required int KernelWidth { get; init; }

    public required int StrideHeight { get; init; }

    public required int StrideWidth { get; init; }

    public required int DilationHeight { get; init; }

    public required int DilationWidth { get; init; }

    public required int Top { get; init; }

    public required int Left { get; init; }

    public required int Rows { get; init; }

    public required int Columns { get; init; }

    internal int Taps => KernelHeight * KernelWidth;

    internal int Positions => Rows * Columns;

    internal int GroupChannels => Channels / Groups;

    internal int GroupOutputs => Outputs / Groups;

    /// <summary>Elements of a group's weight for one output: the length of the forward sums.</summary>
    internal int Depth => GroupChannels * Taps;

    [Conditional("DEBUG")]
    internal void AssertSound()
    {
        Debug.Assert(Groups > 0 && Channels % Groups == 0 && Outputs % Groups == 0, "groups divide the channels");
        Debug.Assert(StrideHeight > 0 && StrideWidth > 0 && DilationHeight > 0 && DilationWidth > 0, "steps are positive");
    }
}
