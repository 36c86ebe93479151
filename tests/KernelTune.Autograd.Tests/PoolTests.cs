using KernelTune.Autograd.Ops;
using KernelTune.Devices;

namespace KernelTune.Autograd.Tests;

/// <summary>The geometry of pools is PyTorch's: what it refuses, and which windows ceil mode keeps.</summary>
public sealed class PoolTests
{
    [Test]
    public void Padding_of_more_than_half_a_kernel_is_refused_however_dilated()
    {
        var geometry = new Pool2dGeometry { Kernel = (3, 3), Padding = (2, 0), Dilation = (3, 1) };
        Assert.That(Assert.Throws<ShapeException>(() => geometry.Window("max_pool2d", new Shape(1, 1, 9, 9)))!.Message, Does.Contain("padding of half a kernel at most wanted"));
        Assert.That((geometry with { Padding = (1, 0) }).Window("max_pool2d", new Shape(1, 1, 9, 9)).Rows, Is.EqualTo(2));
    }

    // 3 elements and a padding of 1 on both sides, windows of 2 from −1, 1 and 3: the third would begin in the padding behind.
    [TestCase(3, 2)]
    [TestCase(4, 3)]
    public void Ceil_mode_keeps_no_window_that_begins_in_the_padding_behind(int length, int positions) =>
        Assert.That(new Pool2dGeometry { Kernel = (1, 2), Stride = (1, 2), Padding = (0, 1), CeilMode = true }.Window("max_pool2d", new Shape(1, 1, 1, length)).Columns, Is.EqualTo(positions));
}
