using KernelTune.Devices.Calls;
using KernelTune.Devices.Cpu;
using KernelTune.Devices.Memory;
using KernelTune.Kernels.Cpu;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Devices.Tests.Cpu;

/// <summary>A weight in storage of its own multiplies, bit for bit, as the fp32 panels of the numbers that it stands for.</summary>
public sealed class DecodedWeightTests
{
    private const int N = 70;

    public static IEnumerable<TestCaseData> Storages()
    {
        foreach (int k in new[] { 64, 192, 1000 })
        {
            yield return new TestCaseData(k, new HalfStorage(DType.BF16)).SetArgDisplayNames($"{k}", "bf16");
            yield return new TestCaseData(k, new HalfStorage(DType.F16)).SetArgDisplayNames($"{k}", "f16");
            yield return new TestCaseData(k, new FourBitStorage(FourBitType.Nf4, 64, false)).SetArgDisplayNames($"{k}", "nf4");
            yield return new TestCaseData(k, new FourBitStorage(FourBitType.Fp4, 128, true)).SetArgDisplayNames($"{k}", "fp4 double");
            yield return new TestCaseData(k, new BlockStorage("eights", new Eights())).SetArgDisplayNames($"{k}", "blocks");
        }
    }

    [TestCaseSource(nameof(Storages))]
    public void It_multiplies_as_what_it_stands_for(int k, PanelStorage storage)
    {
        foreach (var set in Enum.GetValues<InstructionSet>().Where(InstructionSets.IsSupported))
        {
            using var device = new CpuDevice(2, set);
            using var held = new Held(device);
            var (stored, plain) = Weights(held, storage, k);
            foreach (int m in new[] { 1, 5, 6, 7, 40 })
            {
                var (x, bias) = (held.Random(m, k), held.Random(N));
                var (t, b) = (held.Random(m, 4), held.Random(N, 4));
                Same(held, m, N, y => new LinearCall(x, stored, default, y), y => new LinearCall(x, plain, default, y), $"{set}, {m} rows");
                Same(held, m, N, y => new LinearCall(x, stored, bias, y), y => new LinearCall(x, plain, bias, y), $"{set}, {m} rows, bias");
                Same(held, m, N, y => new LinearCall(x, stored, bias, y, LowRank: new LowRankTerm(t, b, 0.5f)), y => new LinearCall(x, plain, bias, y, LowRank: new LowRankTerm(t, b, 0.5f)),
                    $"{set}, {m} rows, low rank");
                var dy = held.Random(m, N);
                Same(held, m, k, dx => new LinearGradInputCall(dy, stored, dx), dx => new LinearGradInputCall(dy, plain, dx), $"{set}, gradient of {m} rows");
            }
        }
    }

    [TestCaseSource(nameof(Storages))]
    public void Its_rows_are_looked_up_and_unpacked(int k, PanelStorage storage)
    {
        using var device = new CpuDevice(2);
        using var held = new Held(device);
        var (stored, plain) = Weights(held, storage, k);
        var ids = held.Take(new Shape(4), DType.I64);
        device.Write<long>(ids, [69, 0, 33, 31]);
        Same(held, 4, k, y => new GatherCall(stored, ids, y), y => new GatherCall(plain, ids, y), "look-up");
        Same(held, N, k, y => new UnpackCall(stored, y), y => new UnpackCall(plain, y), "all rows");
        Same(held, 37, k, y => new UnpackCall(stored, y, 21), y => new UnpackCall(plain, y, 21), "some rows");
    }

    [Test]
    public void Four_bits_take_four_and_a_half_bits_a_number() =>
        Assert.That(new FourBitStorage(FourBitType.Nf4, 64, false).BytesFor(1536, 576), Is.EqualTo(64 + (1536L * 576 * 9 / 16)));

    private static void Same<TCall>(Held held, int rows, int columns, Func<View, TCall> first, Func<View, TCall> second, string what)
        where TCall : struct, ICall
    {
        var (a, b) = (held.Take(new Shape(rows, columns), DType.F32), held.Take(new Shape(rows, columns), DType.F32));
        held.Device.Run(first(a));
        held.Device.Run(second(b));
        Assert.That(held.Read(a), Is.EqualTo(held.Read(b)), what);
    }

    // The weight as it is stored, and fp32 panels of the numbers that this storage makes of it.
    private static (PackedMatrix Stored, PackedMatrix Plain) Weights(Held held, PanelStorage storage, int k)
    {
        var stored = held.Matrix(N, k, storage);
        var plain = held.Matrix(N, k, PanelStorage.Float32);
        float[] numbers = held.Numbers(N * k);
        switch (storage)
        {
            case FourBitStorage four:
                var codes = FourBitWeight.Quantize(four.Type, numbers, [N, k], four.BlockSize, four.IsDouble);
                var (bytes, magnitudes) = (held.Take(new Shape(codes.Packed.Length), DType.U8), held.Take(new Shape(codes.AbsMax.Length), DType.F32));
                held.Device.Write<byte>(bytes, codes.Packed);
                held.Device.Write<float>(magnitudes, codes.AbsMax);
                held.Device.Run(new PackCodesCall(bytes, magnitudes, stored, 0, N));
                codes.Dequantize(0, numbers);
                break;
            case BlockStorage blocks:
                byte[] raw = [.. numbers.Select(n => (byte)(int)(n * 40))];
                held.Device.Write<byte>(new View(stored.Block, DType.U8, new Shape(raw.Length)), raw);
                blocks.Decoder.Decode(raw, numbers);
                break;
            default:
                held.Device.Run(new PackCall(held.Upload(numbers, N, k), stored));
                storage.Round(numbers);
                break;
        }
        held.Device.Run(new PackCall(held.Upload(numbers, N, k), plain));
        return (stored, plain);
    }

    /// <summary>Eight signed bytes a block.</summary>
    private sealed class Eights : IBlockDecoder
    {
        public int BlockElements => 8;

        public int BlockBytes => 8;

        public void Decode(ReadOnlySpan<byte> from, Span<float> into)
        {
            for (int i = 0; i < into.Length; i++)
                into[i] = (sbyte)from[i] / 64f;
        }
    }

    /// <summary>Tensors that go back together.</summary>
    private sealed class Held(CpuDevice device) : IDisposable
    {
        private readonly List<Block> blocks = [];
        private readonly Random random = new(3);

        public CpuDevice Device => device;

        public PackedMatrix Matrix(int rows, int columns, PanelStorage storage)
        {
            var matrix = new PackedMatrix(device.Allocate(storage.BytesFor(rows, columns)!.Value, Category.Weights), rows, columns, storage);
            blocks.Add(matrix.Block);
            return matrix;
        }

        public View Take(Shape shape, DType type)
        {
            var view = device.Allocate(shape, type, Category.Activations);
            blocks.Add(view.Block);
            return view;
        }

        public float[] Numbers(int count)
        {
            var numbers = new float[count];
            for (int i = 0; i < count; i++)
                numbers[i] = (float)((random.NextDouble() * 2) - 1);
            return numbers;
        }

        public View Upload(float[] numbers, int rows, int columns)
        {
            var view = Take(new Shape(rows, columns), DType.F32);
            device.Write<float>(view, numbers);
            return view;
        }

        public View Random(int rows, int columns) => Upload(Numbers(rows * columns), rows, columns);

        public View Random(int count)
        {
            var view = Take(new Shape(count), DType.F32);
            device.Write<float>(view, Numbers(count));
            return view;
        }

        public float[] Read(View view)
        {
            var numbers = new float[view.Elements];
            device.Read<float>(view, numbers);
            return numbers;
        }

        public void Dispose()
        {
            foreach (var block in blocks)
                block.Release();
        }
    }
}
