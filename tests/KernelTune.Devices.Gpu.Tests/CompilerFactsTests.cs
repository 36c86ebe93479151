using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.CPU;
using ILGPU.Runtime.Cuda;
using ILGPU.Runtime.OpenCL;
using KernelTune.Kernels.Gpu;
using KernelTune.Kernels.Gpu.Inspection;

namespace KernelTune.Devices.Gpu.Tests;

/// <summary>What ILGPU's documents leave open and our kernels could come to rely on, or must not.</summary>
public sealed class CompilerFactsTests
{
    public interface IWithBody
    {
        static virtual float Twice(float x) => x + x;
    }

    public readonly struct TakesTheBody : IWithBody;

    public readonly struct HasItsOwn : IWithBody
    {
        public static float Twice(float x) => 2 * x;
    }

    private static void Doubled<T>(ArrayView<float> y)
        where T : struct, IWithBody => y[Grid.GlobalIndex.X] = T.Twice(y[Grid.GlobalIndex.X]);

    private static void NoArguments()
    {
    }

    private static void ByReference(ArrayView<float> y)
    {
        Swap(ref y[0], ref y[1]);
        float a = y[2], b = y[3];
        Swap(ref a, ref b);
        y[2] = a;
        y[3] = b;
    }

    private static void Swap(ref float a, ref float b) => (a, b) = (b, a);

    // y[0] = a·a − b and the same by GpuMath, for a = 1 + 2^-12 and b = 1 + 2^-11: 0 where the product is rounded, 2^-24 where it is fused with the difference.
    private static void Contracted(ArrayView<float> y)
    {
        float a = y[0], b = y[1];
        y[0] = (a * a) - b;
        y[1] = GpuMath.Subtract(GpuMath.Multiply(a, a), b);
        y[2] = GpuMath.Fma(a, a, -b);
    }

    [Test]
    public void A_static_virtual_with_a_body_compiles_where_the_type_has_its_own_and_where_it_has_none()
    {
        using var compiler = new OfflineCompiler();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(compiler.Ptx(((Action<ArrayView<float>>)Doubled<HasItsOwn>).Method, "sm_80"), Does.Contain("mul").And.Contain("st.f32"));
            Assert.That(compiler.Ptx(((Action<ArrayView<float>>)Doubled<TakesTheBody>).Method, "sm_80"), Does.Contain("add").And.Contain("st.f32"));
        }
    }

    [Test]
    public void A_kernel_without_arguments_compiles()
    {
        using var compiler = new OfflineCompiler();
        Assert.That(compiler.Ptx(((Action)NoArguments).Method, "sm_80"), Does.Contain(".visible .entry"));
        Assert.That(compiler.OpenCL(((Action)NoArguments).Method), Does.Contain("kernel void"));
    }

    [Test]
    public void References_to_locals_and_elements_stay_in_registers()
    {
        using var compiler = new OfflineCompiler();
        string ptx = compiler.Ptx(((Action<ArrayView<float>>)ByReference).Method, "sm_80");
        Assert.That(ptx, Does.Not.Contain(".local"));
    }

    [TestCaseSource(typeof(GpuChoice), nameof(GpuChoice.Present))]
    public void What_is_written_apart_is_not_fused(string name)
    {
        using var context = Context.Create(builder => _ = name switch { "opencl" => builder.OpenCL(_ => true), "cuda" => builder.Cuda(), _ => builder });
        GpuIntrinsics.Register(context);
        using Accelerator accelerator = name switch
        {
            "opencl" => context.GetCLDevices()[0].CreateAccelerator(context),
            "cuda" => context.GetCudaDevices()[0].CreateAccelerator(context),
            _ => new CPUDevice(4, 1, 1).CreateCPUAccelerator(context),
        };
        using var buffer = accelerator.Allocate1D(new[] { 1 + MathF.Pow(2, -12), 1 + MathF.Pow(2, -11), 0 });
        var launch = accelerator.LoadKernel<ArrayView<float>>(Contracted);
        launch(accelerator.DefaultStream, new KernelConfig(1, 1), buffer.View.AsContiguous());
        float[] y = buffer.GetAsArray1D();
        TestContext.Out.WriteLine(FormattableString.Invariant($"{accelerator.Name}: a·a − b written plainly {(y[0] == 0 ? "is not" : "is")} fused"));
        Assert.That(y[1], Is.Zero, "GpuMath rounds the product");
        Assert.That(y[2], Is.EqualTo(MathF.Pow(2, -24)), "and fuses where it is asked to");
    }
}
