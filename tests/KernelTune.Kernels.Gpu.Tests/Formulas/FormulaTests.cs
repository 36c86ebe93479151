using System.Reflection;
using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.CPU;
using ILGPU.Runtime.Cuda;
using KernelTune.Kernels.Elementwise;
using KernelTune.Kernels.Gpu.Inspection;

namespace KernelTune.Kernels.Gpu.Tests.Formulas;

/// <summary>A formula has the CPU's bits on a GPU: shown by running on ILGPU's CPU accelerator (and on CUDA, where there is one), and by reading the PTX for instructions that round otherwise.</summary>
public sealed class FormulaTests
{
    private Context _context = null!;
    private Accelerator _accelerator = null!;
    private Accelerator? _cuda;
    private OfflineCompiler _compiler = null!;

    public static IEnumerable<FormulaCase> Cases => FormulaCases.All;

    [OneTimeSetUp]
    public void Open()
    {
        _context = Context.Create(builder => builder.DefaultCPU().Cuda());
        GpuIntrinsics.Register(_context);
        _accelerator = _context.GetCPUDevice(0).CreateAccelerator(_context);
        _cuda = _context.GetCudaDevices().Count > 0 ? _context.GetCudaDevice(0).CreateAccelerator(_context) : null;
        _compiler = new OfflineCompiler();
    }

    [OneTimeTearDown]
    public void Close()
    {
        _compiler.Dispose();
        _cuda?.Dispose();
        _accelerator.Dispose();
        _context.Dispose();
    }

    [Test]
    public void Every_formula_has_a_case()
    {
        // The wrappers that make a formula of an operation are the only generic ones.
        Type[] kinds = [typeof(IElementwise<>), typeof(IUnaryOp<>), typeof(IBinaryOp<>), typeof(IStep<>), typeof(IStep2<>)];
        string[] formulas = [.. typeof(IElementwise<>).Assembly.GetTypes()
            .Where(t => t is { IsValueType: true, IsGenericTypeDefinition: false } && t.GetInterfaces().Any(i => i.IsGenericType && kinds.Contains(i.GetGenericTypeDefinition())))
            .Select(t => t.Name).Order(StringComparer.Ordinal)];
        Assert.That(formulas, Has.Length.GreaterThan(30));
        string[] covered = [.. Cases.Select(c => c.Operation.Name).Distinct()];
        Assert.That(formulas.Except(covered), Is.Empty, $"formulas without a case in {nameof(FormulaCases)}");
        Assert.That(covered.Except(formulas), Is.Empty, "cases of no formula");
    }

    [TestCaseSource(nameof(Cases))]
    public void A_formula_has_the_bits_of_the_CPU_on_the_CPU_accelerator(FormulaCase formula) =>
        Assert.That(formula.Differences(_accelerator), Is.Empty);

    [Test]
    public void Every_formula_has_the_bits_of_the_CPU_on_CUDA()
    {
        if (_cuda is null)
            Assert.Ignore("no CUDA device here");
        Assert.Multiple(() =>
        {
            foreach (FormulaCase formula in Cases)
                Assert.That(formula.Differences(_cuda!), Is.Empty);
        });
    }

    [TestCaseSource(nameof(Cases))]
    public void The_PTX_of_a_formula_rounds_as_IEEE_754_says(FormulaCase formula) =>
        Assert.That(Rounding.Faults(_compiler.Ptx(formula.Kernel, "sm_80")), Is.Empty);

    [TestCaseSource(nameof(Cases))]
    public void A_formula_assembles_without_spills(FormulaCase formula)
    {
        Ptxas ptxas = Assembler.OrIgnore();
        foreach (string architecture in Assembler.Architectures)
        {
            string ptx = _compiler.Ptx(formula.Kernel, architecture);
            KernelUsage usage = ptxas.Assemble(ptx, architecture);
            Assert.That(ptx, Does.Not.Contain(".local"));
            Assert.That((usage.SpillStores, usage.SpillLoads, usage.StackBytes, usage.SharedBytes), Is.EqualTo((0, 0, 0, 0)), architecture);
            Assert.That(usage.Registers, Is.InRange(8, 48), architecture);
        }
    }

    [TestCaseSource(nameof(Cases))]
    public void The_OpenCL_C_of_a_formula_contracts_nothing_and_calls_no_native_function(FormulaCase formula)
    {
        string source = _compiler.OpenCL(formula.Kernel);
        Assert.That(source, Does.Contain("kernel"));
        Assert.That(source, Does.Not.Contain("native_").And.Not.Contain("half_"));
    }
}
