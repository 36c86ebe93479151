using System.Security.Cryptography;
using KernelTune.Devices.Calls;
using KernelTune.Devices.Cpu;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Devices.Tests.Cpu;

/// <summary>The same bits for 1, 2 and 3 threads and for every instruction set; the same addresses from step to step.</summary>
public class DeterminismTests
{
    private static readonly (int Threads, InstructionSet Set)[] Setups = [(1, InstructionSets.Best), (2, InstructionSets.Best), (3, InstructionSets.Best),
        (2, InstructionSet.Avx2), (3, InstructionSet.Avx2), (1, InstructionSet.Portable), (2, InstructionSet.Portable)];

    private static IEnumerable<CallCase> Cases => [.. PrimitiveCases.All(), .. FusedCases.All()];

    private static IEnumerable<CallCase> LargeCases =>
    [
        new("linear 512×576 by 1536", b => Linear(b, 512, 576, 1536)),
        new("linear 512×1536 by 576", b => Linear(b, 512, 1536, 576)),
        new("linear 16×576 by 49152", b => Linear(b, 16, 576, 49152)),
        new("weight gradient 8×512×1536", b =>
        {
            var (dy, t, dw) = (b.Real(new Shape(512, 1536), 1), b.Real(new Shape(512, 8), 2), b.Empty(new Shape(1536, 8)));
            b.Device.Run(new MatMulCall(dy.Transpose(0, 1), t, dw));
            b.Result("dw", dw);
        }),
        new("rms_norm 512×576", b =>
        {
            var shape = new Shape(512, 576);
            var (x, w, dy, y, rstd, dx, dw) = (b.Real(shape, 3), b.Real(new Shape(576), 4), b.Real(shape, 5), b.Empty(shape), b.Empty(new Shape(512)), b.Empty(shape), b.Empty(new Shape(576)));
            b.Device.Run(new RmsNormCall(x, w, y, rstd, 1e-5));
            b.Device.Run(new RmsNormGradInputCall(x, w, rstd, dy, dx));
            b.Device.Run(new RmsNormGradWeightCall(x, rstd, dy, dw));
            b.Result("y", y);
            b.Result("dx", dx);
            b.Result("dw", dw);
        }),
        new("cross_entropy 64×49152", b =>
        {
            var (x, labels) = (b.Real(new Shape(64, 49152), 6, 8), b.Ids(64, 49152, 7));
            var (loss, lse, scale) = (b.Empty(new Shape(64)), b.Empty(new Shape(64)), b.Real(new Shape(1), 1));
            b.Device.Run(new CrossEntropyCall(x, labels, default, loss, lse, CrossEntropyOptions.Plain));
            b.Device.Run(new CrossEntropyGradCall(x, labels, default, lse, scale, x, CrossEntropyOptions.Plain));
            b.Result("loss", loss);
            b.Result("dx", x);
        }),
        new("attention 1×512, 9 heads over 3", b =>
        {
            var (q, k, v) = (b.Real(new Shape(1, 512, 9, 64), 8), b.Real(new Shape(1, 512, 3, 64), 9), b.Real(new Shape(1, 512, 3, 64), 10));
            var (y, lse, dy) = (b.Empty(q.Shape), b.Empty(new Shape(1, 9, 512)), b.Real(q.Shape, 11));
            var (dq, dk, dv) = (b.Empty(q.Shape), b.Empty(k.Shape), b.Empty(v.Shape));
            var options = new AttentionOptions(0.125, Causality.BottomRight);
            b.Device.Run(new AttentionCall(q, k, v, y, lse, options, default));
            b.Device.Run(new AttentionGradCall(q, k, v, y, lse, dy, dq, dk, dv, options, default));
            foreach (var (name, view) in new[] { ("y", y), ("dq", dq), ("dk", dk), ("dv", dv) })
                b.Result(name, view);
        }),
        new("global norm of 3 million numbers", b =>
        {
            var (x, y) = (b.Real(new Shape(1, 3_000_017), 12), b.Empty(new Shape(1, 1), DType.F64));
            b.Device.Run(new ReduceCall(x, y, 1, Reduction.SumOfSquares));
            b.Result("y", y);
        }),
    ];

    [TestCaseSource(nameof(Cases))]
    [TestCaseSource(nameof(LargeCases))]
    public void Threads_and_instructions_do_not_change_a_bit(object source)
    {
        var one = (CallCase)source;
        var setups = Setups.Where(s => InstructionSets.IsSupported(s.Set)).ToArray();
        var (first, names) = Digests(one, setups[0]);
        foreach (var setup in setups[1..])
        {
            var (other, _) = Digests(one, setup);
            for (int i = 0; i < first.Count; i++)
                Assert.That(other[i], Is.EqualTo(first[i]), $"{one.Name}: {names[i]} with {setup}");
        }
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

    private static (List<string> Digests, List<string> Names) Digests(CallCase one, (int Threads, InstructionSet Set) setup)
    {
        using var cpu = new CpuDevice(setup.Threads, setup.Set);
        using var bench = new CallBench(cpu);
        one.Run(bench);
        var (digests, names) = (new List<string>(), new List<string>());
        foreach (var (name, view) in bench.Results)
        {
            var bits = new long[view.Elements];
            var numbers = bench.Read(view);
            for (int i = 0; i < bits.Length; i++)
                bits[i] = double.IsNaN(numbers[i]) ? long.MaxValue : BitConverter.DoubleToInt64Bits(numbers[i]);
            digests.Add(Convert.ToHexString(SHA256.HashData(System.Runtime.InteropServices.MemoryMarshal.AsBytes(bits.AsSpan()))));
            names.Add(name);
        }
        return (digests, names);
    }

    private static void Linear(CallBench b, int rows, int inputs, int outputs)
    {
        var (x, w, dy) = (b.Real(new Shape(rows, inputs), 1), b.Frozen(b.Real(new Shape(outputs, inputs), 2)), b.Real(new Shape(rows, outputs), 3));
        var (y, dx) = (b.Empty(new Shape(rows, outputs)), b.Empty(new Shape(rows, inputs)));
        b.Device.Run(new LinearCall(x, w, default, y));
        b.Device.Run(new LinearGradInputCall(dy, w, dx));
        b.Result("y", y);
        b.Result("dx", dx);
    }
}
