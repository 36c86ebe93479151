using KernelTune.Devices.Calls;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Autograd.Ops;

/// <summary>Where a session draws random numbers: seed, a stable hash of module path and site, step, micro-batch.</summary>
public static class Random
{
    /// <summary>The place of a site within the module that runs now.</summary>
    public static RandomPlace Place(Session session, string site) =>
        new(session.Seed, StableHash.Site($"{session.Path}/{site}"), (uint)session.Step, (uint)session.MicroBatch);
}
