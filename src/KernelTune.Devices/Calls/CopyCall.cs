namespace KernelTune.Devices.Calls;

/// <summary>Primitive: y[i] = x[i], converted to y's type. Same shapes, any strides (x may be broadcast). To integers: towards zero.</summary>
public readonly record struct CopyCall(View X, View Y) : ICall
{
    public static string Name => "copy";

    public long Flops => 0;

    public long Bytes => X.Bytes + Y.Bytes;

    public void Compose(Device device) => throw Primitive.Missing(device, Name);
}
