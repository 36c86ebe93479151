using System.Runtime.InteropServices;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Checkpoints.Tests;

public sealed class SafetensorsRoundTripTests
{
    private ScratchFolder _scratch = null!;

    [SetUp]
    public void SetUp() => _scratch = new ScratchFolder();

    [TearDown]
    public void TearDown() => _scratch.Dispose();

    [TestCase(DType.F64, 0f)]
    [TestCase(DType.F32, 0f)]
    [TestCase(DType.F16, 1f / 2048)]
    [TestCase(DType.BF16, 1f / 256)]
    [TestCase(DType.F8E4M3, 1f / 16)]
    [TestCase(DType.F8E5M2, 1f / 8)]
    public void Values_come_back_within_half_a_unit_of_their_type(DType type, float relative)
    {
        var values = Enumerable.Range(0, 100_003).Select(i => (i % 97 - 48) * 0.125f).ToArray();
        SafetensorsWriter.Save(_scratch["x"], [TensorToSave.Of("a.weight", [100_003], values, type)]);
        using var file = SafetensorsFile.Open(_scratch["x"]);
        Assert.That(file.Get("a.weight").Format.Scalar, Is.EqualTo(type));
        var back = file.ReadF32("a.weight");
        for (var i = 0; i < values.Length; i++)
            Assert.That(Math.Abs(back[i] - values[i]), Is.LessThanOrEqualTo(relative * Math.Abs(values[i])));
    }

    [Test]
    public void Rows_are_the_rows_of_the_whole()
    {
        var values = Enumerable.Range(0, 60).Select(i => (float)i).ToArray();
        SafetensorsWriter.Save(_scratch["x"], [TensorToSave.Of("a", [5, 3, 4], values, DType.BF16)]);
        using var file = SafetensorsFile.Open(_scratch["x"]);
        var rows = new float[24];
        file.ReadF32Rows("a", 2, 2, rows);
        Assert.That(rows, Is.EqualTo(values[24..48]));
        var raw = new byte[24];
        file.ReadRawRows("a", 4, 1, raw);
        Assert.That(raw, Is.EqualTo(file.ReadRaw("a")[96..]));
        Assert.That(Assert.Throws<CheckpointException>(() => file.ReadF32Rows("a", 4, 2, new float[24]))!.Message, Does.EndWith("tensor \"a\": rows [4, 6) wanted, it is [5, 3, 4]"));
        Assert.That(Assert.Throws<CheckpointException>(() => file.ReadF32Rows("a", 0, 1, new float[11]))!.Message, Does.Contain("are 12 elements, a span of 11 was given"));
        Assert.That(Assert.Throws<CheckpointException>(() => file.ReadF32("b", new float[1]))!.Message, Does.EndWith("tensor \"b\": holds no such tensor among its 1"));
    }

    [Test]
    public void The_librarys_order_is_by_falling_alignment_then_name()
    {
        SafetensorsWriter.Save(_scratch["x"],
        [
            TensorToSave.Of("b", [1], new float[1], DType.F16),
            TensorToSave.Of("z", [1], new float[1]),
            TensorToSave.Of("a", [1], new float[1], DType.BF16),
            TensorToSave.Raw("i", WeightFormats.I64, [1], new byte[8]),
            TensorToSave.Of("y", [1], new float[1]),
            TensorToSave.Raw("u", WeightFormats.U8, [1], new byte[1]),
        ]);
        using var file = SafetensorsFile.Open(_scratch["x"]);
        Assert.That(file.Names, Is.EqualTo(new[] { "i", "y", "z", "a", "b", "u" }));
        Assert.That(file.Metadata, Is.EqualTo(new Dictionary<string, string> { ["format"] = "pt" }));
        Assert.That(file.Entries[0].Offset % 8, Is.EqualTo(0));
        Assert.That(file.NativeDType, Is.EqualTo("F32"));
    }

    [Test]
    public void The_given_order_is_kept()
    {
        SafetensorsWriter.Save(_scratch["x"], [TensorToSave.Of("b", [1], new float[1]), TensorToSave.Of("a", [1], new float[1])], order: SafetensorsOrder.Given);
        using var file = SafetensorsFile.Open(_scratch["x"]);
        Assert.That(file.Names, Is.EqualTo(new[] { "b", "a" }));
    }

    [TestCase("adapters/llama__lora_qv/adapter_model.safetensors")]
    [TestCase("models/llama/model.safetensors")]
    [TestCase("real/smollm2_lora/adapter_model.safetensors")]
    public void What_the_library_wrote_is_written_again_byte_for_byte(string golden)
    {
        var path = Shared.Golden(golden.Split('/'));
        using var source = SafetensorsFile.Open(path);
        SafetensorsWriter.Save(_scratch["again"], source.Names.Reverse().Select(n => TensorToSave.Copy(source, n)), source.Metadata);
        Assert.That(File.ReadAllBytes(_scratch["again"]).AsSpan().SequenceEqual(File.ReadAllBytes(path)), Is.True);
    }

    [Test]
    public void Integers_are_read_whatever_their_width()
    {
        SafetensorsWriter.Save(_scratch["x"],
        [
            TensorToSave.Raw("i64", WeightFormats.I64, [2], MemoryMarshal.AsBytes([-1L, 1L << 40]).ToArray()),
            TensorToSave.Raw("i32", WeightFormats.I32, [1], MemoryMarshal.AsBytes([-7]).ToArray()),
            TensorToSave.Raw("bool", WeightFormats.Bool, [2], new byte[] { 1, 0 }),
            TensorToSave.Of("f", [1], new float[1]),
        ]);
        using var file = SafetensorsFile.Open(_scratch["x"]);
        Assert.That(file.ReadI64("i64"), Is.EqualTo(new[] { -1L, 1L << 40 }));
        Assert.That(file.ReadI64("i32"), Is.EqualTo(new[] { -7L }));
        Assert.That(file.ReadI64("bool"), Is.EqualTo(new[] { 1L, 0L }));
        Assert.That(Assert.Throws<CheckpointException>(() => file.ReadI64("f"))!.Message, Does.EndWith("tensor \"f\": dtype F32 was found, integers wanted"));
    }

    [Test]
    public void A_writer_that_gives_too_little_or_too_much_is_found_out_and_leaves_the_old_file()
    {
        SafetensorsWriter.Save(_scratch["x"], [TensorToSave.Of("a", [1], new[] { 5f })]);
        foreach (var count in new[] { 1, 3 })
        {
            Assert.That(
                Assert.Throws<InvalidOperationException>(() => SafetensorsWriter.Save(_scratch["x"], [new TensorToSave("a", DType.F32, [2], s => s.Write(new float[count]))]))!.Message,
                Does.StartWith("tensor \"a\""));
        }

        Assert.That(Assert.Throws<ArgumentException>(() => SafetensorsWriter.Save(_scratch["x"], [TensorToSave.Of("a", [1], new float[1]), TensorToSave.Of("a", [1], new float[1])]))!.Message, Does.Contain("cannot be saved twice"));
        Assert.That(Directory.GetFiles(_scratch.Path), Is.EqualTo(new[] { _scratch["x"] }));
        using var file = SafetensorsFile.Open(_scratch["x"]);
        Assert.That(file.ReadF32("a"), Is.EqualTo(new[] { 5f }));
    }

    [Test]
    public void Shards_are_written_and_read_as_one()
    {
        var values = Enumerable.Range(0, 10).Select(i => (float)i).ToArray();
        using (var folder = AtomicFolder.Begin(_scratch["model"]))
        {
            ShardedSafetensorsWriter.Write(folder, values.Select(v => TensorToSave.Of($"t{v}", [1], new[] { v })), mostShardBytes: 12);
            folder.Commit();
        }

        var names = Directory.GetFiles(_scratch["model"]).Select(Path.GetFileName).Order(StringComparer.Ordinal);
        Assert.That(names, Is.EqualTo(new[] { "manifest.json", "model-00001-of-00004.safetensors", "model-00002-of-00004.safetensors", "model-00003-of-00004.safetensors", "model-00004-of-00004.safetensors", "model.safetensors.index.json" }));
        using var all = ShardedSafetensors.Open(_scratch["model/model.safetensors.index.json"]);
        Assert.That(all.Names, Is.EqualTo(values.Select(v => $"t{v}")));
        Assert.That(values.Select(v => all.ReadF32($"t{v}")[0]), Is.EqualTo(values));
        Assert.That(JsonSettings.Read(all.Location).Object("metadata")!.Int("total_size"), Is.EqualTo(40));
    }

    [Test]
    public void Memory_stays_bounded_while_a_large_tensor_is_copied()
    {
        const int rows = 4096, columns = 4096;
        var row = new float[columns];
        SafetensorsWriter.Save(_scratch["x"], [new TensorToSave("a", DType.F32, [rows, columns], sink =>
        {
            for (var i = 0; i < rows; i++)
                sink.Write(row);
        })]);
        using var source = SafetensorsFile.Open(_scratch["x"]);
        var before = GC.GetTotalAllocatedBytes(precise: true);
        SafetensorsWriter.Save(_scratch["y"], [TensorToSave.Copy(source, "a", WeightFormats.BF16)]);
        Assert.That(GC.GetTotalAllocatedBytes(precise: true) - before, Is.LessThan(10 << 20));
        Assert.That(new FileInfo(_scratch["y"]).Length, Is.GreaterThan(32 << 20));
    }
}
