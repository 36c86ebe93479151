using KernelTune.Kernels.Gpu.Inspection;

namespace KernelTune.Kernels.Gpu.Tests;

/// <summary>NVIDIA's assembler in tests.</summary>
internal static class Assembler
{
    public static readonly string[] Architectures = ["sm_80", "sm_90"];

    /// <summary>The assembler; where there is none, the test is ignored and says so.</summary>
    public static Ptxas OrIgnore()
    {
        Ptxas? found = Ptxas.Find();
        if (found is null)
            Assert.Ignore(Ptxas.Absent + " (.ci/run brings it)");
        return found!;
    }
}
