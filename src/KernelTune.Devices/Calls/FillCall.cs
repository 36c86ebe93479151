namespace KernelTune.Devices.Calls;

/// <summary>Primitive: y[i] = value. y may have any strides and any type.</summary>
public readonly record struct FillCall(View Y, double Value) : ICall
{
    public static string Name => "fill";

    public long Flops => 0;

    public long Bytes => Y.Bytes;

    public void Compose(Device device) => throw Primitive.Missing(device, Name);
}

/// <summary>Primitive: y[i] = start + i·step, for a 1-D y of any type.</summary>
public readonly record struct RampCall(View Y, double Start, double Step) : ICall
{
    public static string Name => "ramp";

    public long Flops => Y.Elements;

    public long Bytes => Y.Bytes;

    public void Compose(Device device) => throw Primitive.Missing(device, Name);
}

internal static class Primitive
{
    public static DeviceException Missing(Device device, string name) => new(device.Name, $"the primitive call {name} has no kernel here");
}
