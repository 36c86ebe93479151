using KernelTune.Autograd;
using KernelTune.Devices;
using KernelTune.Devices.Cpu;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Modules.Tests;

/// <summary>What stands in front of a text: its targets, masks, positions, embeddings, keys and values.</summary>
public sealed class SoftPromptTests
{
    private CpuDevice device = null!;
    private Session session = null!;

    [SetUp]
    public void SetUp()
    {
        device = new CpuDevice(1);
        session = new Session(device);
    }

    [TearDown]
    public void TearDown()
    {
        session.Dispose();
        Assert.That(device.Outstanding, Is.Zero);
        device.Dispose();
    }

    [Test]
    public void Virtual_positions_predict_nothing_but_the_last_of_them_the_first_token()
    {
        var targets = Whole([2, 3], 5, 6, -100, 8, -100, -100);
        Assert.That(Read(SoftPrompt.Targets(targets, Whole([2, 1], 4, 7), 5)), Is.EqualTo(new double[] { -100, 4, 5, 6, -100, -100, 7, 8, -100, -100 }));
        Assert.That(Read(SoftPrompt.Targets(targets, null, 5)), Is.EqualTo(new double[] { -100, -100, 5, 6, -100, -100, -100, 8, -100, -100 }));
        Assert.That(SoftPrompt.Targets(targets, null, 3), Is.SameAs(targets));
    }

    [Test]
    public void A_mask_lets_them_be_seen() =>
        Assert.That(Read(SoftPrompt.Mask(Whole([2, 2], 0, 1, 1, 1), 3)), Is.EqualTo(new double[] { 1, 1, 1, 0, 1, 1, 1, 1, 1, 1 }));

    [Test]
    public void Positions_of_the_text_go_on_behind_them()
    {
        var positions = Whole([2, 3], 0, 0, 1, 0, 1, 2);
        Assert.That(Read(SoftPrompt.Positions(positions, 2, with: false)), Is.EqualTo(new double[] { 2, 2, 3, 2, 3, 4 }));
        Assert.That(Read(SoftPrompt.Positions(positions, 2, with: true)), Is.EqualTo(new double[] { 0, 1, 2, 2, 3, 0, 1, 2, 3, 4 }));
    }

    [Test]
    public void Embeddings_stand_in_front_of_every_row() =>
        Assert.That(Read(SoftPrompt.Before(Real([1, 2], 9, 8), Real([2, 1, 2], 1, 2, 3, 4))), Is.EqualTo(new double[] { 9, 8, 1, 2, 9, 8, 3, 4 }));

    [Test]
    public void Keys_and_values_stand_in_front_of_every_row_of_their_layer()
    {
        var prefix = new PrefixKeyValues([Real([1, 1, 2], 1, 2), Real([1, 1, 2], 3, 4)], [Real([1, 1, 2], 5, 6), Real([1, 1, 2], 7, 8)]);
        var (keys, values) = prefix.Before(1, Real([2, 1, 1, 2], 10, 11, 12, 13), Real([2, 1, 1, 2], 20, 21, 22, 23));
        Assert.That((prefix.Count, Read(keys), Read(values)), Is.EqualTo((1, new double[] { 3, 4, 10, 11, 3, 4, 12, 13 }, new double[] { 7, 8, 20, 21, 7, 8, 22, 23 })));
        Assert.That(() => prefix.Before(0, Real([1, 1, 1, 3], 1, 2, 3), Real([1, 1, 1, 3], 1, 2, 3)), Throws.TypeOf<ShapeException>().With.Message.Contains("[1, 1, 2] before [1, 1, 1, 3]"));
    }

    private Tensor Whole(int[] shape, params long[] numbers) => session.Upload<long>(numbers, new Shape(shape), DType.I64);

    private Tensor Real(int[] shape, params double[] numbers) => session.Upload<double>(numbers, new Shape(shape), session.Real);

    private double[] Read(Tensor tensor)
    {
        var numbers = new double[tensor.View.Elements];
        device.Read<double>(tensor.View, numbers);
        return numbers;
    }
}
