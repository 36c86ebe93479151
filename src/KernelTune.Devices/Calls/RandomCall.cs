using KernelTune.Kernels.Numerics;

namespace KernelTune.Devices.Calls;

/// <summary>Primitive: y[i] = uniform in [0, 1), 24 bits, a function of (place, i) alone. Y: dense, real.</summary>
public readonly record struct RandomCall(View Y, RandomPlace Place) : ICall
{
    public static string Name => "random";

    public long Flops => 0;

    public long Bytes => Y.Bytes;

    public void Compose(Device device) => throw Primitive.Missing(device, Name);
}
