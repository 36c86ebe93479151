using KernelTune.Devices.Calls;
using KernelTune.Devices.Cpu;
using KernelTune.Devices.Tests.Table;
using KernelTune.Kernels.Elementwise;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Devices.Tests.Cpu;

/// <summary>What the CPU device refuses, and how it says so; nothing stays booked.</summary>
public class CpuFaultTests
{
    private CpuDevice cpu = null!;
    private CallBench bench = null!;

    [SetUp]
    public void Open()
    {
        cpu = new CpuDevice(2);
        bench = new CallBench(cpu, composed: false);
    }

    [TearDown]
    public void Close()
    {
        bench.Dispose();
        cpu.Dispose();
    }

    [Test]
    public void An_id_outside_the_table_is_named_with_its_place()
    {
        var (table, y) = (bench.In(5, 4), bench.Out(3, 4));
        var ids = bench.Integers(new Shape(3), 0, 5, 1);
        Refuses(new GatherCall(table, ids, y), "[gather] id 5 at position 1 is outside the table's 5 rows");
        Refuses(new GatherCall(bench.Weight(5, 4), bench.Integers(new Shape(3), 0, 1, -1), y), "[gather] id -1 at position 2 is outside the table's 5 rows");
        Refuses(new ScatterAddCall(y, ids, table), "[scatter_add] id 5 at position 1 is outside the table's 5 rows");
    }

    [Test]
    public void A_label_without_a_class_is_named_with_its_row()
    {
        var (logits, loss, lse) = (bench.In(2, 7), bench.Out(2), bench.Out(2));
        Refuses(new CrossEntropyCall(logits, bench.Integers(new Shape(2), -100, 7), default, loss, lse, CrossEntropyOptions.Plain),
            "[cross_entropy] label 7 of row 1 is outside the 7 classes and is not the ignored label -100");
    }

    [Test]
    public void Boundaries_of_packed_sequences_must_cover_the_rows()
    {
        var q = bench.In(1, 6, 2, 8);
        var (y, lse) = (bench.Out(1, 6, 2, 8), bench.Out(1, 2, 6));
        AttentionCall Of(View starts) => new(q, q, q, y, lse, new AttentionOptions(1), new AttentionMasks(CuSeqlensQ: starts, CuSeqlensK: starts));
        Refuses(Of(bench.Integers(new Shape(3), 0, 3, 5)), "[attention] cu_seqlens of the queries runs from 0 to 5, not from 0 to 6");
        Refuses(Of(bench.Integers(new Shape(4), 0, 4, 3, 6)), "[attention] cu_seqlens of the queries falls from 4 to 3 at 2");
    }

    [Test]
    public void Other_types_than_fp32_are_refused_by_products_and_formulas()
    {
        var (half, x, y) = (bench.Out(DType.BF16, 2, 2), bench.In(2, 2), bench.Out(2, 2));
        Assert.That(() => cpu.Run(new MatMulCall(half, x, y)), Throws.TypeOf<DeviceException>().With.Message.EqualTo("[cpu] matmul of BF16[2, 2]: operands must be F32"));
        Assert.That(() => cpu.Run(MapCall.Unary<Exp, None>(half, half)), Throws.TypeOf<DeviceException>()
            .With.Message.EqualTo("[cpu] the formula Unary`2 over BF16: formulas run over F32 and F64"));
    }

    [Test]
    public void Shapes_that_do_not_fit_are_refused()
    {
        var (x, y, w) = (bench.In(3, 4), bench.Out(3, 5), bench.In(5, 6));
        Refuses(new LinearCall(x, w, default, y), "[linear] x [3, 4] by weight [5, 6] into [3, 5]");
        Refuses(new LinearGradInputCall(y, w, x), "[linear_grad_input] dY [3, 5] by weight [5, 6] into [3, 4]");
        Refuses(new CopyCall(x, y), "[copy] [3, 4] to [3, 5]");
        Refuses(new ReduceCall(x, y, 1, Reduction.Sum), "[reduce] axis 1 of [3, 4] into [3, 5]");
        var packed = bench.Weight(70, 4).Packed!;
        Refuses(new PackCall(x, packed, 32), "[pack] rows 32 to 35 of 70 do not fill whole panels of 32");
        Refuses(new UnpackCall(packed, x, 68), "[unpack] [3, 4] as rows from 68 of a packed [70, 4]");
    }

    [Test]
    public void Two_callers_at_once_get_the_bits_that_one_gets()
    {
        string alone = Loss(cpu);
        var both = new string[2];
        var callers = Enumerable.Range(0, 2).Select(i => new Thread(() => both[i] = Loss(cpu))).ToArray();
        foreach (var caller in callers)
            caller.Start();
        foreach (var caller in callers)
            caller.Join();
        Assert.That(both, Is.All.EqualTo(alone));
    }

    private static string Loss(CpuDevice device)
    {
        using var step = new SmallStep(device, 4, 100);
        var text = "";
        step.Observe = view =>
        {
            if (view.Type == DType.F32 && view.IsDense)
            {
                var numbers = new float[view.Elements];
                device.Read<float>(view, numbers);
                text += $"{numbers.Sum(x => BitConverter.SingleToInt32Bits(x) % 65537L)} ";
            }
        };
        for (int i = 0; i < 4; i++)
            step.Run();
        return text;
    }

    private void Refuses<TCall>(TCall call, string message)
        where TCall : struct, ICall =>
        Assert.That(() => cpu.Run(call), Throws.TypeOf<ShapeException>().With.Message.EqualTo(message));
}
