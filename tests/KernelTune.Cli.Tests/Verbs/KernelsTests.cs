using System.Text.Json.Nodes;
using KernelTune.Kernels.Gpu;
using KernelTune.Kernels.Gpu.Inspection;

namespace KernelTune.Cli.Tests.Verbs;

public sealed class KernelsTests
{
    [Test]
    public void The_list_has_every_kernel_with_what_it_runs()
    {
        CommandLine run = CommandLine.Run("kernels", "list");
        Assert.That((run.Code, run.Error), Is.EqualTo((0, "")));
        foreach (GpuKernel kernel in GpuKernelList.All)
            Assert.That(run.Out, Does.Contain(kernel.Name));
        Assert.That(run.Out, Does.Contain($"{GpuKernelList.All.Count} kernels").And.Contain("FillKernel<uint>"));
        Assert.That(run.Out, Does.Contain(Ptxas.Find() is null ? "no ptxas" : "counted by ptxas"));
    }

    [Test]
    public void JSON_has_registers_and_spills_where_the_assembler_is_at_hand()
    {
        JsonArray kernels = CommandLine.Run("kernels", "list", "--json").Json.AsArray();
        Assert.That(kernels.Select(k => (string?)k!["name"]), Is.EqualTo(GpuKernelList.All.Select(k => k.Name)));
        if (Ptxas.Find() is null) Assert.Ignore(Ptxas.Absent + " (.ci/run brings it)");
        foreach (JsonNode? kernel in kernels)
            foreach (string architecture in (string[])["sm_80", "sm_90"])
            {
                Assert.That((int?)kernel![architecture]!["registers"], Is.InRange(8, 255), (string?)kernel["name"]);
                Assert.That((int?)kernel[architecture]!["warps_of_64"], Is.InRange(8, 64), (string?)kernel["name"]);
                Assert.That((int?)kernel[architecture]!["spill_stores"], Is.Zero, (string?)kernel["name"]);
            }
    }

    [Test]
    public void A_kernel_is_shown_as_PTX()
    {
        CommandLine run = CommandLine.Run("kernels", "show", "fill.32");
        Assert.That((run.Code, run.Error), Is.EqualTo((0, "")));
        Assert.That(run.Out, Does.StartWith("fill.32: FillKernel<uint>, groups of 256").And.Contain(".visible .entry").And.Contain(".maxntid 256"));
        Assert.That(run.Out, Does.Not.Contain(".visible .func"));
        Assert.That(run.Out.TrimEnd().Split('\n')[^1], Ptxas.Find() is null ? Does.StartWith("no ptxas") : Does.Match(@"^sm_90: \d+ registers a thread, 0 bytes spilled"));
    }

    [Test]
    public void The_architecture_and_OpenCL_can_be_asked_for()
    {
        CommandLine run = CommandLine.Run("kernels", "show", "fill.32", "--opencl", "--arch", "sm_80");
        Assert.That(run.Out, Does.Contain("kernel void").And.Not.Contain(".visible .entry"));
        if (Ptxas.Find() is not null) Assert.That(run.Out, Does.Contain("sm_80: "));
        Assert.That(CommandLine.Run("kernels", "show", "fill.32", "--opencl", "--ptx").Out, Does.Contain("kernel void").And.Contain(".visible .entry"));
    }

    [Test]
    public void The_GPU_s_own_instructions_can_be_asked_for()
    {
        if (Ptxas.Find() is not { } ptxas || !File.Exists(Path.Combine(Path.GetDirectoryName(ptxas.Path)!, "nvdisasm")))
        {
            Assert.Ignore("no ptxas with nvdisasm beside it (.ci/run brings both)");
            return;
        }
        CommandLine run = CommandLine.Run("kernels", "show", "map.flat.mul", "--sass");
        Assert.That((run.Code, run.Error), Is.EqualTo((0, "")));
        Assert.That(run.Out, Does.Contain("FMUL").And.Contain("EXIT").And.Not.Contain(".visible .entry"));
    }

    [TestCase(new[] { "kernels", "show", "fil.32" }, "unknown kernel 'fil.32'; did you mean fill.32? (kerneltune kernels list names all)")]
    [TestCase(new[] { "kernels", "show", "fill.32", "--arch", "sm_1" }, "architecture sm_1: unknown; wanted sm_50 to sm_120, as sm_80")]
    [TestCase(new[] { "kernels", "lst" }, "unknown command 'lst'; did you mean list? (kerneltune kernels --help says how)")]
    [TestCase(new[] { "kernels" }, "no command given: list, show (kerneltune kernels --help says how)")]
    public void What_cannot_be_shown_is_a_usage_error(string[] arguments, string message)
    {
        CommandLine run = CommandLine.Run(arguments);
        Assert.That((run.Code, run.Error.TrimEnd()), Is.EqualTo((2, "error: " + message)));
    }
}
