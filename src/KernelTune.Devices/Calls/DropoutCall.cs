using KernelTune.Kernels.Numerics;
using KernelTune.Devices.Memory;
using KernelTune.Kernels.Elementwise;

namespace KernelTune.Devices.Calls;

/// <summary>
/// Inverted dropout (Srivastava et al., 2014): y = x/(1 − p) where the place's uniform number is at least p, else 0. X, Y: dense; Y may be X.
/// The same place gives the same mask: backward and recomputation save nothing.
/// </summary>
public readonly record struct DropoutCall(View X, View Y, double P, RandomPlace Place) : ICall
{
    public static string Name => "dropout";

    public long Flops => 2 * X.Elements;

    public long Bytes => X.Bytes + Y.Bytes;

    public void Compose(Device device)
    {
        using var work = new Workspace(device, Name);
        var u = work.Like(X);
        device.Run(new RandomCall(u, Place));
        device.Run(MapCall.Step2<Keep, ScaleParams>(Y, X, u, new ScaleParams(P)));
    }
}
