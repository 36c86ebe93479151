using System.Security.Cryptography;
using KernelTune.Devices.Calls;
using KernelTune.Devices.Cpu;
using KernelTune.Devices.Tests.Table;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Devices.Tests.Cpu;

/// <summary>The same bits for 1, 2 and 3 threads and for every instruction set; the same addresses from step to step.</summary>
public class DeterminismTests
{
    private static readonly (int Threads, InstructionSet Set)[] Setups = [(1, InstructionSets.Best), (2, InstructionSets.Best), (3, InstructionSets.Best),
        (2, InstructionSet.Avx2), (3, InstructionSet.Avx2), (1, InstructionSet.Portable), (2, InstructionSet.Portable)];

    // SmolLM2's sizes; the small cases of every call are beside them.
    private static IEnumerable<CallCase> LargeCases =>
    [
        new(typeof(LinearCall), "512×576 by 1536", b => Linear(b, 512, 576, 1536)),
        new(typeof(LinearCall), "512×1536 by 576", b => Linear(b, 512, 1536, 576)),
        new(typeof(LinearCall), "16×576 by 49152", b => Linear(b, 16, 576, 49152)),
        new(typeof(MatMulCall), "weight gradient 8×512×1536", b => b.Run(new MatMulCall(b.In(512, 1536).Transpose(0, 1), b.In(512, 8), b.Out(1536, 8)))),
        new(typeof(RmsNormCall), "512×576", b =>
        {
            var (x, w, dy, rstd) = (b.In(512, 576), b.In(576), b.In(512, 576), b.Out(512));
            b.Run(new RmsNormCall(x, w, b.Out(512, 576), rstd, 1e-5));
            b.Run(new RmsNormGradInputCall(x, w, rstd, dy, b.Out(512, 576)));
            b.Run(new RmsNormGradWeightCall(x, rstd, dy, b.Out(576)));
        }),
        new(typeof(CrossEntropyCall), "64×49152", b =>
        {
            var (x, labels, lse) = (b.InOut(64, 49152), b.Integers(new Shape(64), [.. Enumerable.Range(0, 64).Select(i => (long)(i * 761))]), b.Out(64));
            b.Run(new CrossEntropyCall(x, labels, default, b.Out(64), lse, CrossEntropyOptions.Plain));
            b.Run(new CrossEntropyGradCall(x, labels, default, lse, b.In(1), x, CrossEntropyOptions.Plain));
        }),
        new(typeof(AttentionCall), "512 queries, 9 heads over 3", b =>
        {
            var (q, k, v, y, lse) = (b.In(1, 512, 9, 64), b.In(1, 512, 3, 64), b.In(1, 512, 3, 64), b.Out(1, 512, 9, 64), b.Out(1, 9, 512));
            var options = new AttentionOptions(0.125, Causality.BottomRight);
            b.Run(new AttentionCall(q, k, v, y, lse, options, default));
            b.Run(new AttentionGradCall(q, k, v, y, lse, b.In(1, 512, 9, 64), b.Out(1, 512, 9, 64), b.Out(1, 512, 3, 64), b.Out(1, 512, 3, 64), options, default));
        }),
        new(typeof(Conv2dCall), "ResNet-18's second stage, 6 images", b => Convolution(b, 128, 128, 28, new Window2d(3, 3, 1, 1, 1, 1, 1, 1, 28, 28))),
        new(typeof(Conv2dCall), "ResNet-18's last stage, 6 images", b => Convolution(b, 256, 512, 14, new Window2d(3, 3, 2, 2, 1, 1, 1, 1, 7, 7))),
        new(typeof(ReduceCall), "global norm of 3 million numbers", b => b.Run(new ReduceCall(b.In(1, 3_000_017), b.Out(DType.F64, 1, 1), 1, Reduction.SumOfSquares))),
    ];

    private static void Convolution(CallBench b, int channels, int outputs, int size, Window2d window)
    {
        var (x, w, dy) = (b.In(6, channels, size, size), b.In(outputs, channels, 3, 3), b.In(6, outputs, window.Rows, window.Columns));
        b.Run(new Conv2dCall(x, w, b.In(outputs), b.Out(6, outputs, window.Rows, window.Columns), window));
        b.Run(new Conv2dGradInputCall(dy, w, b.Out(6, channels, size, size), window));
        b.Run(new Conv2dGradWeightCall(x, dy, b.Out(outputs, channels, 3, 3), window));
    }

    private static IEnumerable<TestCaseData> Cases() => CallCases.All.Concat(LargeCases).Concat(WindowCases.LargePlanes).Select(c => new TestCaseData(c).SetArgDisplayNames(c.ToString()));

    [TestCaseSource(nameof(Cases))]
    public void Threads_and_instructions_do_not_change_a_bit(CallCase of)
    {
        var setups = Setups.Where(s => InstructionSets.IsSupported(s.Set)).ToArray();
        string[] first = Digests(of, setups[0]);
        foreach (var setup in setups[1..])
            Assert.That(Digests(of, setup), Is.EqualTo(first), $"a digest an output, with {setup}");
    }

    [Test]
    public void A_whole_step_has_the_same_bits()
    {
        var first = StepDigest(Setups[0]);
        foreach (var setup in Setups.Where(s => InstructionSets.IsSupported(s.Set)))
            Assert.That(StepDigest(setup), Is.EqualTo(first), setup.ToString());
    }

    [Test]
    public void Steady_steps_repeat_their_addresses_and_take_no_new_memory()
    {
        using var cpu = new CpuDevice(2);
        using var step = new SmallStep(cpu);
        step.Run();
        step.Run();
        var (addresses, touched, outstanding) = (step.Addresses.ToArray(), cpu.Touched, cpu.Outstanding);
        for (int i = 0; i < 3; i++)
        {
            step.Run();
            Assert.That(step.Addresses, Is.EqualTo(addresses));
            Assert.That(cpu.Touched, Is.EqualTo(touched));
            Assert.That(cpu.Outstanding, Is.EqualTo(outstanding));
        }
    }

    [Test]
    public void An_instruction_set_that_the_machine_lacks_is_refused()
    {
        Assume.That(InstructionSets.Best, Is.LessThan(InstructionSet.Avx512), "this machine has every instruction set");
        Assert.That(() => new CpuDevice(1, InstructionSet.Avx512), Throws.TypeOf<DeviceException>());
    }

    private static string StepDigest((int Threads, InstructionSet Set) setup)
    {
        using var cpu = new CpuDevice(setup.Threads, setup.Set);
        using var step = new SmallStep(cpu);
        step.Run();
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        step.Observe = view =>
        {
            var numbers = new byte[view.Bytes];
            unsafe
            {
                new ReadOnlySpan<byte>((void*)view.Address, numbers.Length).CopyTo(numbers);
            }
            hash.AppendData(numbers);
        };
        step.Run();
        return Convert.ToHexString(hash.GetHashAndReset());
    }

    private static string[] Digests(CallCase of, (int Threads, InstructionSet Set) setup)
    {
        using var cpu = new CpuDevice(setup.Threads, setup.Set);
        return [.. CallTests.Results(cpu, of).Select(values =>
        {
            // Every NaN is the same.
            long[] bits = Array.ConvertAll(values, v => double.IsNaN(v) ? long.MaxValue : BitConverter.DoubleToInt64Bits(v));
            return Convert.ToHexString(SHA256.HashData(System.Runtime.InteropServices.MemoryMarshal.AsBytes(bits.AsSpan())));
        })];
    }

    private static void Linear(CallBench b, int rows, int inputs, int outputs)
    {
        var w = b.Weight(outputs, inputs);
        b.Run(new LinearCall(b.In(rows, inputs), w, default, b.Out(rows, outputs)));
        b.Run(new LinearGradInputCall(b.In(rows, outputs), w, b.Out(rows, inputs)));
    }
}
