using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace KernelTune.Checkpoints;

/// <summary>
/// Writes GGUF v3: little-endian, data aligned to 32 bytes (or general.alignment), tensors in the order given, under the names and in the row
/// order given. Metadata values are the types that <see cref="GgufFile.Metadata"/> has.
/// </summary>
public static class GgufWriter
{
    /// <summary>Writes a file as a whole: it is there complete or not at all.</summary>
    /// <exception cref="ArgumentException">A value or a format that GGUF has no type for.</exception>
    /// <exception cref="CheckpointStorageException">The disk is full, read-only or otherwise refuses.</exception>
    public static void Save(string path, IEnumerable<KeyValuePair<string, object>> metadata, IEnumerable<TensorToSave> tensors, ISaveProbe? probe = null)
    {
        var list = tensors.ToList();
        SafetensorsWriter.RefuseOwnSource(path, list);
        AtomicFile.Write(path, stream => Write(stream, metadata, list), probe);
    }

    /// <summary>Writes to a stream, from front to back.</summary>
    public static void Write(Stream stream, IEnumerable<KeyValuePair<string, object>> metadata, IReadOnlyList<TensorToSave> tensors)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(tensors);
        var keys = metadata.ToList();
        var alignment = keys.Where(k => k.Key == "general.alignment").Select(k => (long)(uint)k.Value).FirstOrDefault(32);
        var front = new ArrayBufferWriter<byte>();
        front.Write("GGUF"u8);
        U32(front, 3);
        U64(front, (ulong)tensors.Count);
        U64(front, (ulong)keys.Count);
        foreach (var (key, value) in keys)
        {
            Text(front, key);
            U32(front, TypeOf(value));
            Value(front, value);
        }

        var offset = 0L;
        foreach (var tensor in tensors)
        {
            if (!GgmlTypes.TryId(tensor.Format, out var type))
                throw new ArgumentException($"tensor {tensor.Name}: GGUF has no type {tensor.Format.Name}", nameof(tensors));
            Text(front, tensor.Name);
            U32(front, (uint)tensor.Shape.Length);
            foreach (var n in tensor.Shape.Reverse())
                U64(front, (ulong)n);
            U32(front, type);
            U64(front, (ulong)offset);
            offset += Aligned(tensor.Bytes, alignment);
        }

        Pad(front, Aligned(front.WrittenCount, alignment) - front.WrittenCount);
        stream.Write(front.WrittenSpan);
        foreach (var tensor in tensors)
        {
            var sink = new TensorSink(stream, tensor);
            tensor.Write(sink);
            sink.Finish();
            stream.Write(new byte[Aligned(tensor.Bytes, alignment) - tensor.Bytes]);
        }
    }

    private static long Aligned(long bytes, long alignment) => (bytes + alignment - 1) / alignment * alignment;

    private static uint TypeOf(object value) => value switch
    {
        byte => 0,
        sbyte => 1,
        ushort => 2,
        short => 3,
        uint => 4,
        int => 5,
        float => 6,
        bool => 7,
        string => 8,
        Array => 9,
        ulong => 10,
        long => 11,
        double => 12,
        _ => throw new ArgumentException($"GGUF has no type for {value.GetType().Name}", nameof(value)),
    };

    private static uint ElementTypeOf(Array value) => value switch
    {
        // The exact type is asked: to the runtime an int[] is also a uint[].
        _ when value.GetType() == typeof(byte[]) => 0,
        _ when value.GetType() == typeof(sbyte[]) => 1,
        _ when value.GetType() == typeof(ushort[]) => 2,
        _ when value.GetType() == typeof(short[]) => 3,
        _ when value.GetType() == typeof(uint[]) => 4,
        _ when value.GetType() == typeof(int[]) => 5,
        float[] => 6,
        bool[] => 7,
        string[] => 8,
        _ when value.GetType() == typeof(ulong[]) => 10,
        _ when value.GetType() == typeof(long[]) => 11,
        double[] => 12,
        object[] => 9,
        _ => throw new ArgumentException($"GGUF has no type for {value.GetType().Name}", nameof(value)),
    };

    private static void Value(ArrayBufferWriter<byte> front, object value)
    {
        switch (value)
        {
            case byte or sbyte or bool:
                front.Write([value is bool flag ? (byte)(flag ? 1 : 0) : value is sbyte s ? (byte)s : (byte)value]);
                break;
            case ushort v:
                Number(front, v);
                break;
            case short v:
                Number(front, v);
                break;
            case uint v:
                Number(front, v);
                break;
            case int v:
                Number(front, v);
                break;
            case float v:
                Number(front, v);
                break;
            case ulong v:
                Number(front, v);
                break;
            case long v:
                Number(front, v);
                break;
            case double v:
                Number(front, v);
                break;
            case string v:
                Text(front, v);
                break;
            case Array v:
                U32(front, ElementTypeOf(v));
                U64(front, (ulong)v.Length);
                foreach (var element in v)
                    Value(front, element);
                break;
        }
    }

    private static void Number<T>(ArrayBufferWriter<byte> front, T value)
        where T : unmanaged => front.Write(MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in value)));

    private static void U32(ArrayBufferWriter<byte> front, uint value)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(front.GetSpan(4), value);
        front.Advance(4);
    }

    private static void U64(ArrayBufferWriter<byte> front, ulong value)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(front.GetSpan(8), value);
        front.Advance(8);
    }

    private static void Text(ArrayBufferWriter<byte> front, string text)
    {
        U64(front, (ulong)Encoding.UTF8.GetByteCount(text));
        front.Write(Encoding.UTF8.GetBytes(text));
    }

    private static void Pad(ArrayBufferWriter<byte> front, long count)
    {
        for (; count > 0; count--)
            front.Write([(byte)0]);
    }
}
