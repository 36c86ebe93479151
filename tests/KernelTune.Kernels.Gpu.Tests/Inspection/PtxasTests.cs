using KernelTune.Kernels.Gpu.Inspection;

namespace KernelTune.Kernels.Gpu.Tests.Inspection;

/// <summary>The assembler's report is read right, and what it refuses is said in its words.</summary>
public sealed class PtxasTests
{
    private const string Report = """
        ptxas info    : 0 bytes gmem
        ptxas info    : Function properties for Negate_1
            0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
        ptxas info    : Compiling entry function 'Kernel_Run' for 'sm_80'
        ptxas info    : Function properties for Kernel_Run
            24 bytes stack frame, 12 bytes spill stores, 16 bytes spill loads
        ptxas info    : Used 128 registers, used 1 barriers, 24 bytes cumulative stack size, 33792 bytes smem, 528 bytes cmem[0]
        """;

    [Test]
    public void The_report_of_the_entry_is_read() =>
        Assert.That(Ptxas.Read(Report), Is.EqualTo(new KernelUsage(Registers: 128, SpillStores: 12, SpillLoads: 16, StackBytes: 24, SharedBytes: 33792)));

    [Test]
    public void Another_text_is_refused_with_what_it_said() =>
        Assert.That(() => Ptxas.Read("something else"), Throws.TypeOf<InspectionException>().With.Message.EqualTo("ptxas -v: no registers and stack frame in 'something else'"));

    [Test]
    public void What_does_not_assemble_is_named_by_the_assembler()
    {
        Ptxas ptxas = Assembler.OrIgnore();
        Assert.That(
            () => ptxas.Assemble(".version 8.4\n.target sm_80\n.address_size 64\n.visible .entry k() { nonsense.f32 %f1; ret; }\n", "sm_80"),
            Throws.TypeOf<InspectionException>().With.Message.Contains("nonsense"));
    }

    [Test]
    public void The_version_is_a_release() => Assert.That(Assembler.OrIgnore().Version(), Does.Match(@"^\d+\.\d+$"));

    [Test]
    public void An_unknown_architecture_is_refused()
    {
        using var compiler = new OfflineCompiler();
        Assert.That(
            () => compiler.Ptx(((Action<RandomNumbers.PhiloxArgs>)RandomNumbers.PhiloxKernel.Run).Method, "sm_9"),
            Throws.TypeOf<InspectionException>().With.Message.EqualTo("architecture sm_9: unknown; wanted sm_50 to sm_120, as sm_80"));
    }
}
