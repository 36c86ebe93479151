using KernelTune.Devices.Calls;
using KernelTune.Devices.Memory;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Devices.Tests.Table;

/// <summary>
/// What one case of a call reads and writes on one device. Inputs are seeded by their order, so that every device gets the same numbers; every output is read
/// back whole, and begins as NaN, so that an element left unwritten shows.
/// </summary>
/// <param name="device">Where it runs.</param>
/// <param name="composed">True: the call's composition runs and not the device's kernel.</param>
public sealed class CallBench(Device device, bool composed) : IDisposable
{
    private readonly List<Block> blocks = [];
    private readonly List<View> outputs = [];
    private readonly long before = device.Outstanding;
    private int seed;

    public Device Device => device;

    /// <summary>True where weights come as panels in this run.</summary>
    public bool Packed => device.Packs && !composed;

    /// <summary>Numbers between −1 and 1.</summary>
    public View In(params int[] shape) => Between(-1, 1, shape);

    /// <summary>Numbers of a range.</summary>
    public View Between(double least, double greatest, params int[] shape)
    {
        var view = Take(new Shape(shape), device.Real);
        device.Write<float>(view, Random(view.Elements, least, greatest));
        return view;
    }

    /// <summary>Given numbers.</summary>
    public View Given(Shape shape, params double[] values) => Given(shape, device.Real, values);

    public View Given(Shape shape, DType type, params double[] values)
    {
        var view = Take(shape, type);
        device.Write<double>(view, values);
        return view;
    }

    public View Integers(Shape shape, params long[] values)
    {
        var view = Take(shape, DType.I64);
        device.Write<long>(view, values);
        return view;
    }

    /// <summary>An output that the call overwrites whole.</summary>
    public View Out(params int[] shape) => Out(device.Real, shape);

    public View Out(DType type, params int[] shape)
    {
        var view = Take(new Shape(shape), type);
        if (type.IsFloating())
            device.Write<double>(view, Enumerable.Repeat(double.NaN, (int)view.Elements).ToArray());
        outputs.Add(view);
        return view;
    }

    /// <summary>An output that the call adds to, or that it also reads.</summary>
    public View InOut(params int[] shape) => Changed(In(shape));

    /// <summary>Makes an input an output too.</summary>
    public View Changed(View view)
    {
        outputs.Add(view);
        return view;
    }

    /// <summary>A weight [n, k]: panels where the device packs and the call runs its kernel.</summary>
    public WeightOperand Weight(int n, int k)
    {
        var dense = In(n, k);
        if (!Packed)
            return dense;
        var packed = new PackedMatrix(Keep(device.Allocate(PackedMatrix.BytesFor(n, k), Category.PackedCopies)), n, k);
        device.Run(new PackCall(dense, packed));
        return packed;
    }

    public Block Keep(Block block)
    {
        blocks.Add(block);
        return block;
    }

    public void Run<TCall>(TCall call)
        where TCall : struct, ICall
    {
        if (composed)
            call.Compose(device);
        else
            device.Run(call);
    }

    /// <summary>The outputs, an array each.</summary>
    public double[][] Results() => [.. outputs.Select(view =>
    {
        var values = new double[view.Elements];
        device.Read<double>(view, values);
        return values;
    })];

    public void Dispose()
    {
        foreach (var block in blocks)
            block.Release();
        Assert.That(device.Outstanding, Is.EqualTo(before), "bytes that did not come back");
    }

    private View Take(Shape shape, DType type)
    {
        var view = device.Allocate(shape, type, Category.Activations);
        Keep(view.Block);
        return view;
    }

    private float[] Random(long n, double least, double greatest)
    {
        var random = new System.Random(31 + seed++);
        return [.. Enumerable.Range(0, (int)n).Select(_ => (float)(least + (random.NextDouble() * (greatest - least))))];
    }
}
