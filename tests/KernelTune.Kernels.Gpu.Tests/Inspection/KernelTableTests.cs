using System.Globalization;
using KernelTune.Kernels.Gpu.Inspection;
using KernelTune.Kernels.Gpu.Tests.Formulas;

namespace KernelTune.Kernels.Gpu.Tests.Inspection;

/// <summary>Every kernel of <see cref="GpuKernelList"/> compiles, assembles without spills or local memory, and takes the registers that the committed table says.</summary>
public sealed class KernelTableTests
{
    /// <summary>Set to 1, the table is written anew instead of compared.</summary>
    private const string RenewVariable = "KERNELTUNE_RENEW_REGISTERS";

    private KernelInspector _inspector = null!;

    public static IEnumerable<string> Names => GpuKernelList.All.Select(k => k.Name);

    [OneTimeSetUp]
    public void Open() => _inspector = new KernelInspector();

    [OneTimeTearDown]
    public void Close() => _inspector.Dispose();

    [Test]
    public void Names_are_unique() => Assert.That(Names, Is.Unique);

    [TestCaseSource(nameof(Names))]
    public void A_kernel_compiles_to_PTX_that_keeps_to_registers_and_to_OpenCL(string name)
    {
        GpuKernel kernel = GpuKernelList.All.Single(k => k.Name == name);
        string ptx = _inspector.Ptx(kernel, "sm_80");
        Assert.That(ptx, Does.Contain(".visible .entry").And.Contain($".maxntid {kernel.GroupSize}"));
        Assert.That(ptx, Does.Not.Contain(".local"), "local memory: an array that is indexed by a variable?");
        Assert.That(_inspector.OpenCL(kernel), Does.Contain("kernel void"));
    }

    [TestCaseSource(nameof(Names))]
    public void A_kernel_rounds_as_IEEE_754_says(string name)
    {
        IEnumerable<string> faults = Rounding.Faults(_inspector.Ptx(GpuKernelList.All.Single(k => k.Name == name), "sm_80"));
        // Squares of singles are exact in double, and a sine in double ends as a single: a product fused with a sum cannot be seen in the result.
        if (name is "reduce.squares.f64" or "rotary_table")
            faults = faults.Where(f => !f.StartsWith("mul.f64", StringComparison.Ordinal));
        Assert.That(faults, Is.Empty);
    }

    [Test]
    public void Registers_and_shared_memory_are_those_of_the_table()
    {
        Ptxas ptxas = Assembler.OrIgnore();
        IReadOnlyList<KernelReport> reports = _inspector.Assemble(ptxas, GpuKernelList.All, KernelInspector.Architectures);
        Assert.That(reports.Where(r => r.Usage.SpillStores + r.Usage.SpillLoads + r.Usage.StackBytes > 0), Is.Empty, "kernels that spill or use local memory");

        string path = Path.Combine(SourceFolder(), "registers.txt"), table = Table(ptxas.Version(), reports);
        if (Environment.GetEnvironmentVariable(RenewVariable) == "1")
            File.WriteAllText(path, table);
        string committed = File.ReadAllText(path);
        if (committed.Split('\n')[0] != table.Split('\n')[0])
            Assert.Ignore($"the table is of another assembler: {committed.Split('\n')[0]}, here {table.Split('\n')[0]}");
        Assert.That(table.Split('\n'), Is.EqualTo(committed.Split('\n')), $"if the change is wanted: {RenewVariable}=1 dotnet test -c Release tests/KernelTune.Kernels.Gpu.Tests --filter Registers_and_shared");
    }

    private static string Table(string version, IReadOnlyList<KernelReport> reports)
    {
        string[] names = [.. reports.Select(r => r.Kernel.Name).Distinct()];
        int width = Math.Max(40, names.Max(n => n.Length) + 2);
        IEnumerable<string> lines = names.Select(name =>
        {
            KernelReport[] own = [.. reports.Where(r => r.Kernel.Name == name)];
            return name.PadRight(width) + Cell(own[0].Kernel.GroupSize) + string.Concat(own.Select(r => Cell(r.Usage.Registers) + Cell(r.Usage.SharedBytes)));
        });
        return string.Join('\n',
        [
            $"# ptxas {version}",
            "# registers a thread and bytes of static shared memory a group; no kernel spills",
            "kernel".PadRight(width) + "   group" + string.Concat(KernelInspector.Architectures.Select(a => $"{a,8}{"shared",8}")),
            .. lines,
            "",
        ]);
    }

    private static string Cell(int number) => number.ToString(CultureInfo.InvariantCulture).PadLeft(8);

    private static string SourceFolder()
    {
        DirectoryInfo? root = new(TestContext.CurrentContext.TestDirectory);
        while (root is not null && !File.Exists(Path.Combine(root.FullName, "KernelTune.sln")))
            root = root.Parent;
        Assert.That(root, Is.Not.Null, "the tests run from the tree that holds the table");
        return Path.Combine(root!.FullName, "tests", "KernelTune.Kernels.Gpu.Tests", "Inspection");
    }
}
