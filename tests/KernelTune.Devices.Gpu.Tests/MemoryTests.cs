using KernelTune.Devices.Calls;
using KernelTune.Devices.Memory;
using KernelTune.Devices.Shapes;
using KernelTune.Devices.Tests.Table;
using KernelTune.Kernels.Elementwise;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Devices.Gpu.Tests;

/// <summary>Blocks of a GPU's memory: alignment, transfers with conversion, what is foreseen and what comes back.</summary>
public sealed class MemoryTests : OnSimulatedDevice
{
    [Test]
    public void Blocks_begin_at_multiples_of_256_and_come_back()
    {
        var blocks = new List<Block>();
        foreach (long bytes in (long[])[1, 255, 256, 257, 100_000, 80L << 20])
            blocks.Add(Device.Allocate(bytes, Category.Activations));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(blocks.Select(b => (long)b.Address % 256), Is.All.Zero);
            Assert.That(blocks.Select(b => (long)b.Address >> 40).Distinct().Count(), Is.EqualTo(2), "the large one has a segment of its own");
            Assert.That(Device.Ledger.Current, Is.EqualTo(blocks.Sum(b => b.Bytes)));
        }
        blocks.ForEach(b => b.Release());
        Assert.That((Device.Outstanding, Device.Ledger.Current), Is.EqualTo((0L, 0L)));
    }

    [Test]
    public void Numbers_go_there_and_back_in_every_type([Values(DType.F64, DType.F32, DType.BF16, DType.F16, DType.I64, DType.I32, DType.I8, DType.U8)] DType type)
    {
        double[] numbers = type is DType.U8 ? [0, 1, 2, 100, 255] : [-3, 0, 1, 2, 100];
        var view = Device.Allocate(new Shape(5), type, Category.Batches);
        Device.Write<double>(view, numbers);
        var back = new double[5];
        Device.Read<double>(view, back);
        var floats = new float[5];
        Device.Read<float>(view, floats);
        view.Block.Release();
        Assert.That(back, Is.EqualTo(numbers));
        Assert.That(floats, Is.EqualTo(numbers));
    }

    // Each pair of types by way of every value that is told apart in 16 bits.
    [Test]
    public void Sixteen_bits_are_converted_as_on_the_host([Values(DType.BF16, DType.F16)] DType type)
    {
        var host = new Devices.Cpu.CpuDevice(1);
        float[] numbers = [.. Enumerable.Range(0, 1 << 16).Select(i => BitConverter.UInt32BitsToSingle((uint)((i << 16) + (i * 40503 % 65536))))];
        ushort[] Halves(Device on)
        {
            var (wide, narrow) = (on.Allocate(new Shape(numbers.Length), DType.F32, Category.Batches), on.Allocate(new Shape(numbers.Length), type, Category.Batches));
            on.Write<float>(wide, numbers);
            on.Run(new CopyCall(wide, narrow));
            var bits = new ushort[numbers.Length];
            if (type == DType.F16)
                on.Read<Half>(narrow, System.Runtime.InteropServices.MemoryMarshal.Cast<ushort, Half>(bits.AsSpan()));
            else
                on.Read<ushort>(narrow, bits);
            on.Run(new CopyCall(narrow, wide));
            var back = new float[numbers.Length];
            on.Read<float>(wide, back);
            for (int i = 0; i < back.Length; i++)
                Assert.That(BitConverter.SingleToUInt32Bits(back[i]), Is.EqualTo(BitConverter.SingleToUInt32Bits(type == DType.F16 ? (float)BitConverter.UInt16BitsToHalf(bits[i]) : BitConverter.UInt32BitsToSingle((uint)bits[i] << 16))), $"{numbers[i]:R}");
            wide.Block.Release();
            narrow.Block.Release();
            return bits;
        }
        Assert.That(Halves(Device), Is.EqualTo(Halves(host)));
        host.Dispose();
    }

    [Test]
    public void What_is_foreseen_is_what_the_run_takes()
    {
        using var shapes = new ShapesDevice(Device);
        long[] Peaks(Device on)
        {
            Step(on);
            on.Ledger.ResetPeak();
            Step(on);
            return [on.Ledger.Peak, on.Touched, .. on.Ledger.AtPeak()];
        }
        Assert.That(Peaks(shapes), Is.EqualTo(Peaks(Device)));
        Assert.That(Device.Ledger.Peak, Is.GreaterThan(0));
    }

    [Test]
    public void The_same_step_repeats_the_same_addresses()
    {
        List<long> Addresses()
        {
            var seen = new List<long>();
            void Note(LedgerEvent e) => seen.Add(e.Bytes);
            Device.Ledger.Events += Note;
            var probe = Device.Allocate(64, Category.Workspace);
            seen.Add(probe.Address);
            Step(Device);
            var after = Device.Allocate(64, Category.Workspace);
            seen.Add(after.Address);
            after.Release();
            probe.Release();
            Device.Ledger.Events -= Note;
            return seen;
        }
        Step(Device);
        var (first, second) = (Addresses(), Addresses());
        Assert.That(second, Is.EqualTo(first));
        Assert.That(Device.Outstanding, Is.Zero);
    }

    // A few calls that take workspace: kernels that state it, compositions that allocate it.
    private static void Step(Device on)
    {
        var held = new List<Block>();
        View New(DType type, params int[] shape)
        {
            var view = on.Allocate(new Shape(shape), type, Category.Activations);
            held.Add(view.Block);
            return view;
        }
        var (x, w, y, sum) = (New(DType.F32, 64, 48), New(DType.F32, 48, 32), New(DType.F32, 64, 32), New(DType.F64, 1, 1));
        on.Run(new FillCall(x, 0.5));
        on.Run(new FillCall(w, 0.25));
        on.Run(new MatMulCall(x, w, y));
        on.Run(MapCall.Unary<Silu, None>(y, y));
        on.Run(new RmsNormCall(x, default, New(DType.F32, 64, 48), New(DType.F32, 64), 1e-6));
        on.Run(new SoftmaxCall(y, New(DType.F32, 64, 32)));
        on.Run(new ReduceCall(New(DType.F32, 1, 9000), sum, 1, Reduction.SumOfSquares));
        var ids = New(DType.I64, 64);
        on.Run(new RampCall(ids, 0, 1));
        on.Run(new ScatterAddCall(x, ids, New(DType.F32, 64, 48)));
        held.ForEach(b => b.Release());
    }
}
