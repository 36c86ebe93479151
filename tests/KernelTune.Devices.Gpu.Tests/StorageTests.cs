using KernelTune.Devices.Calls;
using KernelTune.Devices.Cpu;
using KernelTune.Devices.Memory;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Devices.Gpu.Tests;

/// <summary>Elements of every type: copies between any two of them, and products of operands in 16 bits.</summary>
public sealed class StorageTests(string name) : OnEachDevice(name)
{
    private static readonly DType[] Types = [DType.F64, DType.F32, DType.BF16, DType.F16, DType.I64, DType.I32, DType.I8, DType.U8, DType.Bool];

    [Test]
    public void A_copy_between_two_types_is_the_CPUs([ValueSource(nameof(Types))] DType from)
    {
        using var cpu = new CpuDevice(1);
        double[] numbers = from is DType.U8 or DType.Bool ? [0, 1, 0, 1, 1, 0] : from is DType.I64 or DType.I32 or DType.I8 ? [0, 1, 2, 7, 100, 127] : [0, 1, 2.75, 7.125, 100.5, 126.9];
        foreach (var to in Types)
            Assert.That(Copied(Device, numbers, from, to), Is.EqualTo(Copied(cpu, numbers, from, to)), $"{from} to {to}");
        Assert.That(Device.Outstanding, Is.Zero);
    }

    [Test]
    public void A_product_of_16_bit_operands_is_that_of_their_numbers(
        [Values(DType.F32, DType.BF16, DType.F16)] DType typeA, [Values(DType.BF16, DType.F16)] DType typeB)
    {
        if (typeA != DType.F32 && typeA != typeB)
            Assert.Ignore($"{typeA} beside {typeB}: no model mixes them");
        Assert.That(Product(typeA, typeB, stored: true), Is.EqualTo(Product(typeA, typeB, stored: false)));
    }

    private static double[] Copied(Device on, double[] numbers, DType from, DType to)
    {
        var (x, y) = (on.Allocate(new Shape(numbers.Length), from, Category.Batches), on.Allocate(new Shape(numbers.Length), to, Category.Batches));
        on.Write<double>(x, numbers);
        on.Run(new CopyCall(x, y));
        var result = new double[numbers.Length];
        on.Read<double>(y, result);
        x.Block.Release();
        y.Block.Release();
        return result;
    }

    // stored: the product reads the 16-bit operands; else their numbers as F32.
    private float[] Product(DType typeA, DType typeB, bool stored)
    {
        var held = new List<View>();
        View New(DType type, int rows, int columns)
        {
            held.Add(Device.Allocate(new Shape(rows, columns), type, Category.Activations));
            return held[^1];
        }
        View Operand(DType type, int rows, int columns, double phase)
        {
            var (given, kept) = (New(DType.F32, rows, columns), New(type, rows, columns));
            Device.Write<float>(given, [.. Enumerable.Range(0, rows * columns).Select(i => (float)Math.Sin((i * 1.7) + phase))]);
            Device.Run(new CopyCall(given, kept));
            if (stored)
                return kept;
            Device.Run(new CopyCall(kept, given));
            return given;
        }
        var (a, b, c) = (Operand(typeA, 19, 37, 0), Operand(typeB, 11, 37, 1), New(DType.F32, 19, 11));
        Device.Run(new MatMulCall(a, b.Transpose(0, 1), c));
        var result = new float[19 * 11];
        Device.Read<float>(c, result);
        held.ForEach(v => v.Block.Release());
        return result;
    }
}
