using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.CPU;
using KernelTune.Kernels.Gpu.Inspection;
using KernelTune.Kernels.Gpu.Tests.Formulas;
using KernelTune.Kernels.Lanes;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Kernels.Gpu.Tests.RandomNumbers;

/// <summary>The operands of <see cref="PhiloxKernel"/>.</summary>
public struct PhiloxArgs
{
    public ArrayView<uint> Bits;
    public ArrayView<float> Uniform;
    public RandomPlace Place;
    public int Blocks;
}

/// <summary>Four numbers a thread.</summary>
public static class PhiloxKernel
{
    public static void Run(PhiloxArgs args)
    {
        for (int block = Grid.GlobalIndex.X; block < args.Blocks; block += Grid.DimX * Group.DimX)
        {
            Philox.Block(args.Place, (uint)block, out GU32 r0, out GU32 r1, out GU32 r2, out GU32 r3);
            args.Bits[4 * block] = r0.Value;
            args.Bits[(4 * block) + 1] = r1.Value;
            args.Bits[(4 * block) + 2] = r2.Value;
            args.Bits[(4 * block) + 3] = r3.Value;
            args.Uniform[4 * block] = GU32.Uniform(r0).Value;
            args.Uniform[(4 * block) + 1] = GU32.Uniform(r1).Value;
            args.Uniform[(4 * block) + 2] = GU32.Uniform(r2).Value;
            args.Uniform[(4 * block) + 3] = GU32.Uniform(r3).Value;
        }
    }
}

/// <summary>Random numbers on a GPU are the CPU's.</summary>
public sealed class PhiloxTests
{
    private static readonly RandomPlace Place = new(0x0123456789ABCDEF, 0xFEDCBA98, 7, 3);

    [Test]
    public void The_unsigned_lane_gives_the_bits_of_the_CPU()
    {
        const int Blocks = 500;
        using Context context = Context.Create(builder => builder.DefaultCPU());
        GpuIntrinsics.Register(context);
        using Accelerator accelerator = context.GetCPUDevice(0).CreateAccelerator(context);
        using MemoryBuffer1D<uint, Stride1D.Dense> bits = accelerator.Allocate1D<uint>(4 * Blocks);
        using MemoryBuffer1D<float, Stride1D.Dense> uniform = accelerator.Allocate1D<float>(4 * Blocks);
        accelerator.LoadKernel<PhiloxArgs>(PhiloxKernel.Run)(
            accelerator.DefaultStream,
            new KernelConfig(2, 16),
            new PhiloxArgs { Bits = bits.View.AsContiguous(), Uniform = uniform.View.AsContiguous(), Place = Place, Blocks = Blocks });
        accelerator.Synchronize();

        uint[] expected = new uint[4 * Blocks];
        for (uint block = 0; block < Blocks; block++)
        {
            Philox.Block(Place, block, out U32 r0, out U32 r1, out U32 r2, out U32 r3);
            (expected[4 * block], expected[(4 * block) + 1], expected[(4 * block) + 2], expected[(4 * block) + 3]) = (r0.Value, r1.Value, r2.Value, r3.Value);
        }
        Assert.That(bits.GetAsArray1D(), Is.EqualTo(expected));
        Assert.That(uniform.GetAsArray1D(), Is.EqualTo(expected.Select(b => U32.Uniform(new U32(b)).Value)));
    }

    [Test]
    public void Philox_stays_in_registers()
    {
        using var compiler = new OfflineCompiler();
        string ptx = compiler.Ptx(((Action<PhiloxArgs>)PhiloxKernel.Run).Method, "sm_80");
        Assert.That(ptx, Does.Not.Contain(".local"));
        Assert.That(Rounding.Faults(ptx), Is.Empty);
        KernelUsage usage = Assembler.OrIgnore().Assemble(ptx, "sm_80");
        Assert.That((usage.SpillStores, usage.StackBytes), Is.EqualTo((0, 0)));
        Assert.That(usage.Registers, Is.LessThanOrEqualTo(40));
    }
}
