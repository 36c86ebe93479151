using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace KernelTune.Checkpoints;

/// <summary>The order in which a file holds its tensors.</summary>
public enum SafetensorsOrder
{
    /// <summary>The safetensors library's own: by falling alignment of the type, then by name.</summary>
    Library,

    /// <summary>As they were given.</summary>
    Given,
}

/// <summary>Writes safetensors files: the same tensors give the same bytes, and in the library's order they are the library's bytes.</summary>
public static class SafetensorsWriter
{
    /// <summary>What Transformers and PEFT put into __metadata__ and look for when they read.</summary>
    public static IReadOnlyDictionary<string, string> PyTorchMetadata { get; } =
        new Dictionary<string, string>(StringComparer.Ordinal) { ["format"] = "pt" }.AsReadOnly();

    /// <summary>Writes a file as a whole: it is there complete or not at all.</summary>
    /// <exception cref="CheckpointException">A tensor is read from the very file that it would be saved to.</exception>
    /// <exception cref="CheckpointStorageException">The disk is full, read-only or otherwise refuses.</exception>
    public static void Save(
        string path,
        IEnumerable<TensorToSave> tensors,
        IReadOnlyDictionary<string, string>? metadata = null,
        SafetensorsOrder order = SafetensorsOrder.Library,
        ISaveProbe? probe = null)
    {
        var list = tensors.ToList();
        RefuseOwnSource(path, list);
        AtomicFile.Write(path, stream => Write(stream, list, metadata, order), probe);
    }

    /// <summary>Writes to a stream, from front to back; only one tensor's piece is in memory at a time.</summary>
    /// <exception cref="ArgumentException">Two tensors of one name, a name that is no valid Unicode, a format that safetensors does not have.</exception>
    public static void Write(
        Stream stream,
        IEnumerable<TensorToSave> tensors,
        IReadOnlyDictionary<string, string>? metadata = null,
        SafetensorsOrder order = SafetensorsOrder.Library)
    {
        ArgumentNullException.ThrowIfNull(stream);
        var list = tensors.ToList();
        Check(list);
        if (order == SafetensorsOrder.Library)
            list.Sort(LibraryOrder);
        stream.Write(Header(list, metadata ?? PyTorchMetadata));
        foreach (var tensor in list)
        {
            var sink = new TensorSink(stream, tensor);
            tensor.Write(sink);
            sink.Finish();
        }
    }

    internal static void RefuseOwnSource(string path, IEnumerable<TensorToSave> tensors)
    {
        if (Posix.RealPath(path) is not { } target)
            return;
        foreach (var tensor in tensors)
        {
            foreach (var origin in tensor.Origin)
            {
                if (Posix.RealPath(origin) == target)
                    throw new CheckpointException(path, "the tensor is read from this very file; save to another one", tensor: tensor.Name);
            }
        }
    }

    private static void Check(List<TensorToSave> tensors)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        var strict = new UTF8Encoding(false, throwOnInvalidBytes: true);
        foreach (var tensor in tensors)
        {
            _ = strict.GetByteCount(tensor.Name);       // throws ArgumentException for half a surrogate pair
            if (tensor.Name == "__metadata__" || !names.Add(tensor.Name))
                throw new ArgumentException($"the name {CheckpointException.Quote(tensor.Name)} cannot be saved twice, nor as __metadata__", nameof(tensors));
            if (SafetensorsDTypes.Rank(tensor.Format) < 0)
                throw new ArgumentException($"tensor {CheckpointException.Quote(tensor.Name)}: safetensors has no type {tensor.Format.Name}", nameof(tensors));
        }
    }

    private static int LibraryOrder(TensorToSave a, TensorToSave b)
    {
        var byType = SafetensorsDTypes.Rank(b.Format).CompareTo(SafetensorsDTypes.Rank(a.Format));
        return byType != 0 ? byType : CompareUtf8(a.Name, b.Name);
    }

    // The library compares UTF-8 bytes; UTF-16 units order otherwise only where surrogates meet U+E000 to U+FFFF.
    private static int CompareUtf8(string a, string b) =>
        Encoding.UTF8.GetBytes(a).AsSpan().SequenceCompareTo(Encoding.UTF8.GetBytes(b));

    private static byte[] Header(List<TensorToSave> tensors, IReadOnlyDictionary<string, string> metadata)
    {
        var json = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(json, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true }))
        {
            writer.WriteStartObject();
            if (metadata.Count > 0)
            {
                writer.WriteStartObject("__metadata__");
                foreach (var (key, value) in metadata.OrderBy(m => m.Key, StringComparer.Ordinal))
                    writer.WriteString(key, value);
                writer.WriteEndObject();
            }

            var end = 0L;
            foreach (var tensor in tensors)
            {
                writer.WriteStartObject(tensor.Name);
                writer.WriteString("dtype", tensor.Format.Name);
                writer.WriteStartArray("shape");
                foreach (var n in tensor.Shape)
                    writer.WriteNumberValue(n);
                writer.WriteEndArray();
                writer.WriteStartArray("data_offsets");
                writer.WriteNumberValue(end);
                end = checked(end + tensor.Bytes);
                writer.WriteNumberValue(end);
                writer.WriteEndArray();
                writer.WriteEndObject();
            }

            writer.WriteEndObject();
        }

        var padded = (json.WrittenCount + 7) / 8 * 8;       // the data begins at a multiple of 8; spaces fill up
        if (padded > SafetensorsHeader.MostBytes)
            throw new ArgumentException(
                $"the header of {tensors.Count} tensors would take {padded} bytes, at most {SafetensorsHeader.MostBytes} are allowed", nameof(tensors));
        var header = new byte[8 + padded];
        header.AsSpan().Fill((byte)' ');
        BinaryPrimitives.WriteUInt64LittleEndian(header, (ulong)padded);
        json.WrittenSpan.CopyTo(header.AsSpan(8));
        return header;
    }
}
