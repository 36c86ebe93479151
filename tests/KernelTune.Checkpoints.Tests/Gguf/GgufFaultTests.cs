using System.Diagnostics;
using System.Text;

namespace KernelTune.Checkpoints.Tests;

/// <summary>Hostile GGUF files: refused in one line, with nothing allocated that the file could not fill.</summary>
public sealed class GgufFaultTests
{
    private ScratchFolder _scratch = null!;

    [SetUp]
    public void SetUp() => _scratch = new ScratchFolder();

    [TearDown]
    public void TearDown() => _scratch.Dispose();

    private void Refused(byte[] bytes, string message)
    {
        var path = _scratch.Write("x.gguf", bytes);
        var before = GC.GetAllocatedBytesForCurrentThread();
        var error = Assert.Throws<CheckpointException>(() => GgufFile.Open(path).Dispose())!;
        Assert.That(error.Message, Does.StartWith(path).And.Contain(message).And.Not.Contains("\n"));
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.LessThan(4 << 20));
    }

    private static Front Begin(uint version = 3, ulong tensors = 0, ulong keys = 0) => new Front().Raw("GGUF").U32(version).U64(tensors).U64(keys);

    [Test]
    public void Not_a_gguf_file_or_another_version()
    {
        Refused([], "byte 0: \"GGUF\" wanted at the beginning");
        Refused(Encoding.ASCII.GetBytes("GGML....."), "\"GGUF\" wanted at the beginning");
        Refused(Begin(1).Bytes, "version 1 was found, 2 or 3 wanted");
        Refused(Begin(4).Bytes, "version 4 was found, 2 or 3 wanted");
        Refused(Begin(0x03000000).Bytes, "a big-endian file was found");
        Refused(Encoding.ASCII.GetBytes("GGUF\u0003\0\0\0\0"), "the number of tensors takes 8 bytes, 1 follow");
    }

    [Test]
    public void Fault03_counts_are_bounded_by_the_file()
    {
        Refused(Begin(tensors: ulong.MaxValue).Bytes, "the number of tensors is 18446744073709551615");
        Refused(Begin(keys: 1UL << 40).Bytes, "the number of keys is 1099511627776, the 0 bytes that follow hold at most 0");
        Refused(Begin(keys: 1).U64(1UL << 62).Raw(new string('x', 13)).Bytes, "the length of the name of a key is 4611686018427387904");
        Refused(Begin(keys: 1).Text("k").U32(9).U32(5).U64(1UL << 60).Bytes, "the number of elements of key \"k\" is 1152921504606846976");
        Refused(Begin(keys: 1).Text("k").U32(9).U32(8).U64(1UL << 60).Bytes, "the number of elements of key \"k\" is");
        Refused(Begin(keys: 1).Text("k").U32(99).U32(0).Bytes, "key \"k\" has type 99, 0 to 12 wanted");
    }

    [Test]
    public void Fault05_names_that_stand_twice()
    {
        Refused(Begin(keys: 2).Text("k").U32(4).U32(1).Text("k").U32(4).U32(2).Bytes, "key \"k\" stands twice");
        Refused(Begin(tensors: 2).Tensor("t", 0, 0, 8).Tensor("t", 0, 32, 8).Pad(64).Bytes, "tensor \"t\": the name stands twice");
    }

    [Test]
    public void Fault06_unknown_tensor_type() => Refused(Begin(tensors: 1).Tensor("t", 4, 0, 8).Pad(64).Bytes, "tensor \"t\": tensor type 4 is unknown");

    [Test]
    public void Fault07_dimensions_that_overflow()
    {
        Refused(Begin(tensors: 1).Tensor("t", 0, 0, 1UL << 40, 1UL << 40).Pad(64).Bytes, "the product of its dimensions overflows");
        Refused(Begin(tensors: 1).Tensor("t", 0, 0, ulong.MaxValue).Pad(64).Bytes, "the product of its dimensions overflows");
        Refused(Begin(tensors: 1).Tensor("t", 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1).Pad(64).Bytes, "9 dimensions were found, at most 8 wanted");
    }

    [Test]
    public void Fault09_and_10_tensors_that_overlap_or_leave_the_file()
    {
        Refused(Begin(tensors: 2).Tensor("a", 0, 0, 16).Tensor("b", 0, 32, 8).Pad(128).Bytes, "tensor \"b\": it overlaps \"a\"");
        Refused(Begin(tensors: 1).Tensor("a", 0, 0, 1000).Pad(64).Bytes, "it takes 4000 bytes from 0 on");
        Refused(Begin(tensors: 1).Tensor("a", 0, ulong.MaxValue - 31, 8).Pad(64).Bytes, "bytes from 18446744073709551584 on");
        Refused(Begin(tensors: 1).Tensor("a", 0, 32, 8).Pad(32).Bytes, "it ends at byte");
        Refused(Begin(tensors: 1).Tensor("a", 0, 4, 8).Pad(64).Bytes, "its offset 4 is no multiple of 32");
    }

    [Test]
    public void Fault11_rows_that_are_no_whole_blocks() =>
        Refused(Begin(tensors: 1).Tensor("t", 3, 0, 33).Pad(64).Bytes, "rows of 33 elements were found, whole blocks of 32 (Q4_1) wanted");

    [Test]
    public void An_alignment_that_is_none()
    {
        Refused(Begin(keys: 1).Text("general.alignment").U32(4).U32(0).Bytes, "general.alignment is 0, a power of two");
        Refused(Begin(keys: 1).Text("general.alignment").U32(4).U32(48).Bytes, "general.alignment is 48, a power of two");
        Refused(Begin(keys: 1).Text("general.alignment").U32(8).Text("x").Bytes, "key \"general.alignment\": String \"x\" was found, an integer wanted");
    }

    [Test]
    public void Fault16_nested_arrays_are_bounded_in_depth_and_time()
    {
        var deep = Begin(keys: 1).Text("k").U32(9);
        for (var i = 0; i < 10_000; i++)
            deep.U32(9).U64(1);
        Refused(deep.Bytes, "key \"k\" nests arrays more than 8 deep");

        var watch = Stopwatch.StartNew();
        var wide = Begin(keys: 1).Text("k").U32(9).U32(9).U64(100_000);
        for (var i = 0; i < 100_000; i++)
            wide.U32(0).U64(0);
        using var file = GgufFile.Open(_scratch.Write("wide.gguf", wide.Bytes));
        Assert.That((object[])file.Metadata["k"], Has.Length.EqualTo(100_000));
        Assert.That(watch.Elapsed, Is.LessThan(TimeSpan.FromSeconds(10)));
    }

    [Test]
    public void Strings_that_are_not_utf8() =>
        Refused(Begin(keys: 1).U64(1).Raw([0xFF]).U32(4).U32(1).Bytes, "byte 32: the name of a key is not UTF-8");

    [Test]
    public void Every_prefix_of_a_good_file_is_refused_or_read()
    {
        var whole = Begin(tensors: 1, keys: 2).Text("general.name").U32(8).Text("x").Text("a").U32(9).U32(8).U64(2).Text("p").Text("q").Tensor("t", 0, 0, 8).Align().Pad(32).Bytes;
        using (var file = GgufFile.Open(_scratch.Write("whole.gguf", whole)))
            Assert.That(file.ReadF32("t"), Is.EqualTo(new float[8]));
        for (var length = 0; length < whole.Length; length++)
            Refused(whole[..length], "byte ");
    }

    [Test]
    public void Altered_bytes_never_escape_as_another_error()
    {
        var whole = Begin(tensors: 1, keys: 2).Text("general.name").U32(8).Text("x").Text("a").U32(9).U32(8).U64(2).Text("p").Text("q").Tensor("t", 3, 0, 32).Align().Pad(32).Bytes;
        for (var at = 0; at < whole.Length; at++)
        {
            foreach (var value in new byte[] { 0, 1, 0x7F, 0x80, 0xFF })
            {
                var altered = (byte[])whole.Clone();
                altered[at] = value;
                try
                {
                    using var file = GgufFile.Open(_scratch.Write("x.gguf", altered));
                    foreach (var name in file.Names)
                        _ = file.ReadRaw(name);
                }
                catch (CheckpointException e)
                {
                    Assert.That(e.Message, Does.Not.Contains("\n"));
                }
            }
        }
    }

    /// <summary>GGUF bytes one after the other.</summary>
    private sealed class Front
    {
        private readonly List<byte> _bytes = [];

        public byte[] Bytes => [.. _bytes];

        public Front Raw(byte[] bytes)
        {
            _bytes.AddRange(bytes);
            return this;
        }

        public Front Raw(string ascii) => Raw(Encoding.ASCII.GetBytes(ascii));

        public Front U32(uint value) => Raw(BitConverter.GetBytes(value));

        public Front U64(ulong value) => Raw(BitConverter.GetBytes(value));

        public Front Text(string text) => U64((ulong)Encoding.UTF8.GetByteCount(text)).Raw(Encoding.UTF8.GetBytes(text));

        public Front Tensor(string name, uint type, ulong offset, params ulong[] dimensions)
        {
            Text(name).U32((uint)dimensions.Length);
            foreach (var n in dimensions)
                U64(n);
            return U32(type).U64(offset);
        }

        public Front Pad(int count) => Raw(new byte[count]);

        public Front Align() => Pad((32 - (_bytes.Count % 32)) % 32);
    }
}
