using KernelTune.Devices.Memory;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Devices.Tests.Cpu;

/// <summary>One device, operands that are the same on every device, and the results that a case hands in.</summary>
internal sealed class CallBench(Device device) : IDisposable
{
    private readonly List<Block> blocks = [];

    public Device Device => device;

    /// <summary>What the case computed, in order.</summary>
    public List<(string Name, View View)> Results { get; } = [];

    /// <summary>Where operands lie, in the order in which they were asked for.</summary>
    public List<nint> Addresses { get; } = [];

    /// <summary>Uninitialised memory, filled with NaN so that a place that nobody writes is seen.</summary>
    public View Empty(Shape shape, DType? type = null)
    {
        var view = device.Allocate(shape, type ?? device.Real, Category.Activations);
        blocks.Add(view.Block);
        Addresses.Add(view.Block.Address);
        if (type is null or DType.F32 or DType.F64)
            device.Run(new Calls.FillCall(view, double.NaN));
        return view;
    }

    /// <summary>Numbers in [−scale, scale] + shift, floats on every device.</summary>
    public View Real(Shape shape, int seed, double scale = 1, double shift = 0)
    {
        var view = Empty(shape);
        var random = new Random(seed);
        var numbers = new float[shape.Elements];
        for (int i = 0; i < numbers.Length; i++)
            numbers[i] = (float)((((random.NextDouble() * 2) - 1) * scale) + shift);
        device.Write<float>(view, numbers);
        return view;
    }

    /// <summary>Given numbers.</summary>
    public View Real(Shape shape, params ReadOnlySpan<double> numbers)
    {
        var view = Empty(shape);
        device.Write(view, numbers);
        return view;
    }

    /// <summary>Integers.</summary>
    public View Whole(params ReadOnlySpan<long> numbers)
    {
        var view = Empty(new Shape(numbers.Length), DType.I64);
        device.Write(view, numbers);
        return view;
    }

    /// <summary>count integers in [0, below).</summary>
    public View Ids(int count, int below, int seed)
    {
        var random = new Random(seed);
        var numbers = new long[count];
        for (int i = 0; i < count; i++)
            numbers[i] = random.Next(below);
        return Whole(numbers);
    }

    /// <summary>A weight as panels where the device packs, dense elsewhere.</summary>
    public WeightOperand Frozen(View dense)
    {
        if (!device.Packs)
            return dense;
        var block = device.Allocate(PackedMatrix.BytesFor(dense.Shape[0], dense.Shape[1]), Category.Weights);
        blocks.Add(block);
        var packed = new PackedMatrix(block, dense.Shape[0], dense.Shape[1]);
        device.Run(new Calls.PackCall(dense, packed));
        return packed;
    }

    /// <summary>Hands in a result.</summary>
    public void Result(string name, View view) => Results.Add((name, view));

    /// <summary>The numbers of a view of any layout.</summary>
    public double[] Read(View view)
    {
        var dense = device.Allocate(view.Shape, view.Type, Category.Workspace);
        device.Run(new Calls.CopyCall(view, dense));
        var numbers = new double[view.Elements];
        device.Read<double>(dense, numbers);
        dense.Block.Release();
        return numbers;
    }

    /// <summary>Frees everything.</summary>
    public void Dispose()
    {
        foreach (var block in blocks)
            block.Release();
    }
}
