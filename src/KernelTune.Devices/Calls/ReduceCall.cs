using KernelTune.Kernels.Elementwise;

namespace KernelTune.Devices.Calls;

/// <summary>How the elements of an axis become one.</summary>
public enum Reduction : byte
{
    Sum,
    SumOfSquares,
    Max,
    Min,
}

/// <summary>
/// Primitive: y = the reduction of x over one axis, in a fixed tree. x: any shape and strides; y: x's shape with that axis of length 1.
/// Accumulate adds to y instead of overwriting it (sums only). Max and min over nothing are −∞ and +∞. y in fp64 is summed in fp64.
/// </summary>
public readonly record struct ReduceCall(View X, View Y, int Axis, Reduction Reduction, bool Accumulate = false) : ICall
{
    public static string Name => "reduce";

    public long Flops => X.Elements;

    public long Bytes => X.Bytes + Y.Bytes;

    public void Compose(Device device) => throw Primitive.Missing(device, Name);

    /// <summary>Sums x over every axis in which y has length 1 and x has not: the reverse of broadcasting. y has x's rank or fewer axes.</summary>
    public static void ToShape(Device device, View x, View y, bool accumulate)
    {
        while (y.Rank < x.Rank)
            y = y.Unsqueeze(0);
        int last = -1;
        for (int a = 0; a < x.Rank; a++)
        {
            if (y.Shape[a] == 1 && x.Shape[a] != 1)
                last = a;
        }
        if (last < 0)
        {
            if (accumulate)
                device.Run(MapCall.Binary<Add, None>(y, y, x));
            else
                device.Run(new CopyCall(x, y));
            return;
        }
        Memory.Block? held = null;
        for (int a = 0; a <= last; a++)
        {
            if (y.Shape[a] != 1 || x.Shape[a] == 1)
                continue;
            if (a == last)
            {
                device.Run(new ReduceCall(x, y, a, Reduction.Sum, accumulate));
            }
            else
            {
                var part = device.Allocate(x.Shape.With(a, 1), x.Type, Memory.Category.Workspace, call: Name);
                device.Run(new ReduceCall(x, part, a, Reduction.Sum));
                held?.Release();
                (x, held) = (part, part.Block);
            }
        }
        held?.Release();
    }
}

/// <summary>Primitive: y[i] = the index of the first maximum of x[i, :]. x: [..., n], y: I64 [...].</summary>
public readonly record struct ArgMaxCall(View X, View Y) : ICall
{
    public static string Name => "arg_max";

    public long Flops => X.Elements;

    public long Bytes => X.Bytes + Y.Bytes;

    public void Compose(Device device) => throw Primitive.Missing(device, Name);
}
