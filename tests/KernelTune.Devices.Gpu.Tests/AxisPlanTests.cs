using KernelTune.Devices.Shapes;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Devices.Gpu.Tests;

/// <summary>Walks of more elements than a launch takes, over views without memory.</summary>
public sealed class AxisPlanTests : OnSimulatedDevice
{
    [TestCase(5_000_000_000, new[] { 5, 1_000_000, 1000 })]
    [TestCase(10_500_000_000, new[] { 3, 50_000, 70_000 })]
    [TestCase(36_000_000_000, new[] { 2, 3, 100_000, 60_000 })]
    [TestCase(4_294_967_296, new[] { 65_536, 65_536 })]
    [TestCase(3_000_000, new[] { 3, 1000, 1000 })]
    [TestCase(0, new[] { 0, 70_000, 50_000 })]
    public void Every_element_is_walked_once(long elements, int[] lengths)
    {
        using var shapes = new ShapesDevice(Device);
        var dense = shapes.Allocate(new Shape(lengths), DType.U8, Memory.Category.Activations);
        var turned = shapes.Allocate(new Shape([.. lengths.Reverse()]), DType.U8, Memory.Category.Activations);
        View strided = turned.Permute([.. Enumerable.Range(0, lengths.Length).Reverse()]);
        var plan = AxisPlan.Of(dense.Shape, dense, strided);
        long walked = 0;
        for (int piece = 0; piece < plan.Pieces; piece++)
        {
            Assert.That(plan.Shape(piece).Count, Is.InRange(1, int.MaxValue));
            Assert.That(plan.Steps(0, piece).Start, Is.EqualTo(walked), "pieces of a dense view follow each other");
            Assert.That(plan.Steps(1, piece).Start, Is.EqualTo(IndexOf(strided, walked)), "the same element of the other view");
            walked += plan.Shape(piece).Count;
            var last = plan.Shape(piece).At(plan.Shape(piece).Count - 1);
            Assert.That(plan.Steps(0, piece).At(last), Is.EqualTo(walked - 1));
            Assert.That(plan.Steps(1, piece).At(last), Is.EqualTo(IndexOf(strided, walked - 1)));
        }
        Assert.That(walked, Is.EqualTo(elements));
        dense.Block.Release();
        turned.Block.Release();
    }

    // Where element n in row-major order lies.
    private static long IndexOf(View view, long n)
    {
        long index = view.Offset;
        for (int axis = view.Rank - 1; axis >= 0; axis--, n /= view.Shape[axis + 1])
            index += n % view.Shape[axis] * view.Stride(axis);
        return index;
    }
}
