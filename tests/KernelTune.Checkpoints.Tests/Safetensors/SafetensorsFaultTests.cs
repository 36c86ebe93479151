using System.Diagnostics;
using System.Text;

namespace KernelTune.Checkpoints.Tests;

/// <summary>Faults 1 to 18 of weights: each is one typed error, one line that names the file and what was found and wanted.</summary>
public sealed class SafetensorsFaultTests
{
    private ScratchFolder _scratch = null!;

    [SetUp]
    public void SetUp() => _scratch = new ScratchFolder();

    [TearDown]
    public void TearDown() => _scratch.Dispose();

    private CheckpointException Refused(byte[] file)
    {
        var path = _scratch.Write("model.safetensors", file);
        var error = Assert.Throws<CheckpointException>(() => SafetensorsFile.Open(path).Dispose())!;
        Assert.That(error.Message, Does.StartWith(path).And.Not.Contains("\n"));
        Assert.That(error.File, Is.EqualTo(path));
        return error;
    }

    private void RefusedWith(string json, int dataBytes, string message) => Assert.That(Refused(RawFile.Of(json, dataBytes)).Message, Does.Contain(message));

    [Test]
    public void Fault01_a_file_of_0_to_7_bytes_is_too_short([Range(0, 7)] int length) =>
        Assert.That(Refused(new byte[length]).Message, Does.EndWith($"byte 0: {length} bytes found, at least 8 (the length of a safetensors header) wanted"));

    [Test]
    public void Fault02_header_longer_than_the_file() =>
        Assert.That(Refused(RawFile.Of("{}", 0, announced: 3)).Message, Does.EndWith("a header of 3 bytes is announced, 2 bytes follow"));

    [TestCase(100_000_001UL)]
    [TestCase(ulong.MaxValue)]
    [TestCase(1UL << 63)]
    public void Fault03_header_of_a_huge_length_is_refused_before_allocating(ulong announced)
    {
        var path = _scratch.Write("model.safetensors", RawFile.Of("{}", 0, announced));
        var before = GC.GetAllocatedBytesForCurrentThread();
        var error = Assert.Throws<CheckpointException>(() => SafetensorsFile.Open(path).Dispose())!;
        Assert.That(error.Message, Does.Contain($"a header of {announced} bytes is announced, at most 100000000 are allowed"));
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.LessThan(1 << 20));
    }

    [Test]
    public void Fault04_header_not_utf8_names_the_byte() =>
        Assert.That(Refused(RawFile.Of([(byte)'{', (byte)'"', 0xFF, (byte)'"', (byte)'}'], 0)).Message, Does.EndWith("byte 10: the header is not UTF-8"));

    [TestCase("{ ")]
    [TestCase("{\"a\":")]
    [TestCase("{\"a\":{\"dtype\":\"F32\"")]
    [TestCase("{\"__metadata__\":{},}")]
    [TestCase("{}}")]
    public void Fault04_header_cut_short_or_malformed(string json) => RefusedWith(json, 0, "the header is not valid JSON");

    [TestCase("{", "a header of 1 bytes is announced, at least 2")]
    [TestCase("", "a header of 0 bytes is announced, at least 2")]
    [TestCase("[]", "the header is an array, an object wanted")]
    [TestCase("12", "the header is a number, an object wanted")]
    [TestCase("{\"a\":1}", "its entry is a number, an object wanted")]
    [TestCase("{\"a\":[]}", "its entry is an array, an object wanted")]
    [TestCase("{\"\\ud800\":{}}", "not valid Unicode")]
    public void Fault04_header_of_another_shape(string json, string message) => RefusedWith(json, 0, message);

    [Test]
    public void Fault05_duplicate_name()
    {
        var error = Refused(RawFile.Of($"{{{RawFile.Entry("a", "U8", "[1]", "[0,1]")},{RawFile.Entry("a", "U8", "[1]", "[1,2]")}}}", 2));
        Assert.That(error.Message, Does.EndWith("tensor \"a\": the name stands twice in the header"));
        Assert.That(error.Tensor, Is.EqualTo("a"));
        Assert.That(error.Offset, Is.EqualTo(8 + 2 + 51));
    }

    [TestCase("\"dtype\":\"U8\",\"dtype\":\"I8\",\"shape\":[1],\"data_offsets\":[0,1]", "dtype stands twice")]
    [TestCase("\"dtype\":\"U8\",\"shape\":[1],\"shape\":[1],\"data_offsets\":[0,1]", "shape stands twice")]
    [TestCase("\"dtype\":\"U8\",\"shape\":[1]", "its entry has no data_offsets")]
    [TestCase("\"shape\":[1],\"data_offsets\":[0,1]", "its entry has no dtype")]
    public void Fault05_duplicate_or_missing_key_of_an_entry(string entry, string message) => RefusedWith($"{{\"a\":{{{entry}}}}}", 1, message);

    [Test]
    public void Fault06_unknown_dtype() =>
        RefusedWith($"{{{RawFile.Entry("a", "F7", "[1]", "[0,1]")}}}", 1, "dtype \"F7\" is unknown, one of BOOL, U8, I8, F8_E5M2, F8_E4M3, F16, BF16, I32, F32, F64, I64 wanted");

    [Test]
    public void Fault06_a_known_but_unsupported_dtype_has_a_message_of_its_own()
    {
        using var file = SafetensorsFile.Open(_scratch.Write("x.safetensors", RawFile.Of($"{{{RawFile.Entry("a", "C64", "[1]", "[0,8]")}}}", 8)));
        var error = Assert.Throws<CheckpointException>(() => file.ReadF32("a"))!;
        Assert.That(error.Message, Does.EndWith("tensor \"a\": its type C64 was found, real numbers of a supported type wanted"));
        Assert.That(file.ReadRaw("a"), Is.EqualTo(new byte[8]));
    }

    [TestCase("[4294967296,4294967296]")]
    [TestCase("[9223372036854775807,3]")]
    [TestCase("[9223372036854775807,9223372036854775807,0]")]
    public void Fault07_shape_product_overflows(string shape) => RefusedWith($"{{{RawFile.Entry("a", "U8", shape, "[0,1]")}}}", 1, "overflows");

    [Test]
    public void Fault07_bytes_of_the_shape_overflow() =>
        RefusedWith($"{{{RawFile.Entry("a", "F64", "[9223372036854775807]", "[0,1]")}}}", 1, "is no whole number of bytes");

    [TestCase("-1")]
    [TestCase("1.0")]
    [TestCase("1e3")]
    [TestCase("18446744073709551616")]
    public void Fault08_dimension_negative_or_not_an_integer(string n) =>
        RefusedWith($"{{{RawFile.Entry("a", "U8", $"[{n}]", "[0,1]")}}}", 1, $"shape holds \"{n}\", integers from 0 to 9223372036854775807 wanted");

    [Test]
    public void Fault08_dimension_of_another_type() =>
        RefusedWith($"{{{RawFile.Entry("a", "U8", "[\"1\"]", "[0,1]")}}}", 1, "shape holds a string, integers");

    [Test]
    public void Fault09_tensors_overlap() =>
        RefusedWith($"{{{RawFile.Entry("a", "U8", "[4]", "[0,4]")},{RawFile.Entry("b", "U8", "[4]", "[2,6]")}}}", 6, "tensor \"b\": it overlaps \"a\", which ends at byte");

    [Test]
    public void Fault10_a_hole() =>
        RefusedWith($"{{{RawFile.Entry("a", "U8", "[2]", "[0,2]")},{RawFile.Entry("b", "U8", "[2]", "[4,6]")}}}", 6, "tensor \"b\": a hole of 2 bytes lies before it");

    [Test]
    public void Fault10_a_hole_at_the_beginning() => RefusedWith($"{{{RawFile.Entry("a", "U8", "[2]", "[1,3]")}}}", 3, "a hole of 1 bytes lies before it");

    [Test]
    public void Fault10_trailing_bytes() => RefusedWith($"{{{RawFile.Entry("a", "U8", "[2]", "[0,2]")}}}", 5, "3 bytes follow the last tensor, none wanted");

    [Test]
    public void Fault10_missing_bytes() =>
        RefusedWith($"{{{RawFile.Entry("a", "U8", "[9]", "[0,9]")}}}", 5, "data_offsets ends at 9, the file holds 5 bytes of data");

    [Test]
    public void Fault11_span_is_not_shape_times_dtype() =>
        RefusedWith($"{{{RawFile.Entry("a", "F32", "[2]", "[0,4]")}}}", 4, "data_offsets spans 4 bytes, its shape [2] of F32 takes 8");

    [Test]
    public void Fault11_end_before_begin() => RefusedWith($"{{{RawFile.Entry("a", "U8", "[0]", "[4,2]")}}}", 4, "data_offsets ends at 2, before it begins at 4");

    [TestCase("[0]", 1)]
    [TestCase("[0,1,1]", 3)]
    public void Fault11_offsets_that_are_no_pair(string span, int count) =>
        RefusedWith($"{{{RawFile.Entry("a", "U8", "[1]", span)}}}", 1, $"data_offsets holds {count} numbers, begin and end wanted");

    [TestCase("1", "__metadata__ is a number, an object wanted")]
    [TestCase("{\"k\":1}", "__metadata__ \"k\" is a number, a string wanted")]
    [TestCase("{\"k\":null}", "__metadata__ \"k\" is null, a string wanted")]
    [TestCase("{\"k\":\"1\",\"k\":\"2\"}", "__metadata__ holds \"k\" twice")]
    [TestCase("{},\"__metadata__\":{}", "__metadata__ stands twice")]
    public void Fault12_metadata_that_is_no_strings(string metadata, string message) => RefusedWith($"{{\"__metadata__\":{metadata}}}", 0, message);

    [Test]
    public void Fault13_rank_0_zero_sizes_and_padding_are_accepted()
    {
        var json = $"{{{RawFile.Entry("scalar", "F32", "[]", "[0,4]")},{RawFile.Entry("empty", "F32", "[3,0]", "[4,4]")}}}   \n\t ";
        using var file = SafetensorsFile.Open(_scratch.Write("x.safetensors", RawFile.Of(json, 4)));
        Assert.That(file.Names, Is.EqualTo(new[] { "scalar", "empty" }));
        Assert.That(file.ReadF32("scalar"), Is.EqualTo(new[] { 0f }));
        Assert.That(file.ReadF32("empty"), Is.Empty);
        Assert.That(file.Get("empty").Shape, Is.EqualTo(new[] { 3L, 0L }));
    }

    [Test]
    public void Fault15_a_git_lfs_pointer_is_named()
    {
        var pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n";
        Assert.That(Refused(Encoding.ASCII.GetBytes(pointer)).Message, Does.Contain("a Git LFS pointer was found, the file itself wanted"));
    }

    [Test]
    public void Fault16_a_million_entries_in_bounded_time()
    {
        const int count = 1_000_000;
        var json = new StringBuilder("{");
        for (var i = 0; i < count; i++)
            json.Append(i == 0 ? "" : ",").Append(System.Globalization.CultureInfo.InvariantCulture, $"\"t{i}\":{{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[{i},{i + 1}]}}");
        var path = _scratch.Write("x.safetensors", RawFile.Of(json.Append('}').ToString(), count));
        var watch = Stopwatch.StartNew();
        using var file = SafetensorsFile.Open(path);
        Assert.That(file.Names, Has.Count.EqualTo(count));
        Assert.That(watch.Elapsed, Is.LessThan(TimeSpan.FromSeconds(30)));
    }

    [Test]
    public void Fault16_ten_thousand_levels_of_nesting()
    {
        var deep = new string('[', 10_000) + new string(']', 10_000);
        RefusedWith($"{{\"a\":{{\"x\":{deep}}}}}", 0, "the header is not valid JSON");
        RefusedWith($"{{\"a\":{string.Concat(Enumerable.Repeat("{\"a\":", 10_000))}1", 0, "the header is not valid JSON");
    }

    [Test]
    public void Fault17_saving_over_ones_own_source_is_refused()
    {
        var path = _scratch["own.safetensors"];
        SafetensorsWriter.Save(path, [TensorToSave.Of("a", [2], new[] { 1f, 2f })]);
        var bytes = File.ReadAllBytes(path);
        File.CreateSymbolicLink(_scratch["link.safetensors"], path);
        using var source = SafetensorsFile.Open(path);
        foreach (var name in new[] { "own.safetensors", "link.safetensors" })
        {
            var error = Assert.Throws<CheckpointException>(() => SafetensorsWriter.Save(_scratch[name], [TensorToSave.Copy(source, "a")]))!;
            Assert.That(error.Message, Does.EndWith("tensor \"a\": the tensor is read from this very file; save to another one"));
        }

        Assert.That(File.ReadAllBytes(path), Is.EqualTo(bytes));
    }

    [Test]
    public void Fault18_a_file_cut_short_while_it_is_read()
    {
        var path = _scratch["x.safetensors"];
        SafetensorsWriter.Save(path, [TensorToSave.Of("a", [1000], new float[1000]), TensorToSave.Of("b", [1000], new float[1000])]);
        using var file = SafetensorsFile.Open(path);
        var length = new FileInfo(path).Length;
        using (var cut = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
            cut.SetLength(length - 100);
        Assert.That(file.ReadF32("a"), Has.Length.EqualTo(1000));
        var error = Assert.Throws<CheckpointException>(() => file.ReadF32("b"))!;
        Assert.That(error.Message, Does.EndWith($"byte {length - 100}, tensor \"b\": the file ends here, 100 more bytes wanted (it had {length} bytes when it was opened)"));
    }

    [Test]
    public void Paths_that_are_no_files_are_named()
    {
        Assert.That(Assert.Throws<CheckpointException>(() => SafetensorsFile.Open(_scratch["none"]))!.Message, Is.EqualTo($"{_scratch["none"]}: no such file"));
        Assert.That(Assert.Throws<CheckpointException>(() => SafetensorsFile.Open(_scratch.Path))!.Message, Does.EndWith("a folder was found, a file wanted"));
        if (OperatingSystem.IsLinux())
            Assert.That(Assert.Throws<CheckpointException>(() => SafetensorsFile.Open("/dev/zero"))!.Message, Does.EndWith("a device or pipe was found, a regular file wanted"));
    }

    [Test]
    public void Names_out_of_files_stay_on_one_line()
    {
        var error = Refused(RawFile.Of("{\"a\\n\\u001b[31m" + new string('x', 1000) + "\":{}}", 0));
        Assert.That(error.Message, Does.Contain("tensor \"a\\u000a\\u001b[31mx").And.Contain("…"));
        Assert.That(error.Message, Has.Length.LessThan(400));
    }

    [Test]
    public void A_count_that_fp32_would_round_is_refused()
    {
        byte[] Counted(long count)
        {
            byte[] file = RawFile.Of("{" + RawFile.Entry("n", "I64", "[]", "[0,8]") + "}", 8);
            System.Buffers.Binary.BinaryPrimitives.WriteInt64LittleEndian(file.AsSpan(file.Length - 8), count);
            return file;
        }
        using (var most = SafetensorsFile.Open(_scratch.Write("most.safetensors", Counted(1 << 24))))
            Assert.That(StoredNumbers.Read(most, "n"), Is.EqualTo((float[])[16777216]));
        using var more = SafetensorsFile.Open(_scratch.Write("more.safetensors", Counted((1 << 24) + 1)));
        Assert.That(Assert.Throws<CheckpointException>(() => StoredNumbers.Read(more, "n"))!.Message, Does.Contain("16777217 was found, a whole number that fp32 holds exactly wanted"));
    }
}
