using System.Buffers.Binary;

namespace KernelTune.Checkpoints;

/// <summary>
/// A safetensors file, opened for reading. The header is read and checked when it is opened; tensors are read from the file when they
/// are asked for. (huggingface/safetensors, "Format".)
/// </summary>
public sealed class SafetensorsFile : IWeightSource
{
    private readonly SourceFile _file;
    private readonly SafetensorsHeader _header;

    private SafetensorsFile(SourceFile file, SafetensorsHeader header)
    {
        _file = file;
        _header = header;
        Entries = [.. header.Names.Select(n => header.Entries[n])];
        NativeDType = WeightSources.Prevailing(Entries);
    }

    public string Location => _file.Path;

    public IReadOnlyList<string> Files => [_file.Path];

    public string NativeDType { get; }

    public IReadOnlyList<string> Names => _header.Names;

    /// <summary>All tensors in the order of the header.</summary>
    public IReadOnlyList<SafetensorsEntry> Entries { get; }

    /// <summary>The strings of __metadata__; empty where it is absent.</summary>
    public IReadOnlyDictionary<string, string> Metadata => _header.Metadata;

    /// <summary>Opens <paramref name="path"/> and checks its header.</summary>
    /// <exception cref="CheckpointException">The file cannot be read or is no valid safetensors file.</exception>
    public static SafetensorsFile Open(string path)
    {
        var file = SourceFile.Open(path);
        try
        {
            return new SafetensorsFile(file, SafetensorsHeader.Read(file));
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    public bool TryGet(string name, out WeightInfo info)
    {
        var found = _header.Entries.TryGetValue(name, out var entry);
        info = entry!;
        return found;
    }

    /// <summary>The bytes of a tensor, as they lie in the file.</summary>
    /// <exception cref="CheckpointException">No such tensor, a span of another size, or a file cut short since it was opened.</exception>
    public void Read(string name, Span<byte> into) => ReadRaw(name, into);

    public void ReadRaw(string name, Span<byte> into)
    {
        var entry = Entry(name);
        if (into.Length != entry.Bytes)
            throw new CheckpointException(Location, $"it has {entry.Bytes} bytes, a span of {into.Length} was given", tensor: name);
        _file.ReadExactly(entry.Offset, into, name);
    }

    public void ReadRawRows(string name, long rowStart, long rowCount, Span<byte> into)
    {
        var entry = Entry(name);
        var row = EncodedReader.CheckRows(Location, entry, rowStart, rowCount, into.Length, asBytes: true);
        if (!entry.Format.TryBytes(row * rowStart, out var skip))
            throw new CheckpointException(Location, $"row {rowStart} begins inside a byte ({entry.Format.Name})", tensor: name);
        _file.ReadExactly(entry.Offset + skip, into, name);
    }

    public void ReadF32(string name, Span<float> into)
    {
        var entry = Entry(name);
        if (into.Length != entry.Elements)
            throw new CheckpointException(Location, $"{entry.ShapeText} has {entry.Elements} elements, a span of {into.Length} was given", tensor: name);
        EncodedReader.ReadF32(_file, entry, entry.Offset, 0, into);
    }

    public void ReadF32Rows(string name, long rowStart, long rowCount, Span<float> into)
    {
        var entry = Entry(name);
        var row = EncodedReader.CheckRows(Location, entry, rowStart, rowCount, into.Length, asBytes: false);
        EncodedReader.ReadF32(_file, entry, entry.Offset, rowStart * row, into);
    }

    /// <summary>A tensor of integers or booleans (I64, I32, I16, I8, U8, U16, U32, BOOL) as 64-bit integers.</summary>
    /// <exception cref="CheckpointException">No such tensor, or its type is none of these.</exception>
    public long[] ReadI64(string name)
    {
        var entry = Entry(name);
        ReadOnlySpan<byte> bytes = this.ReadRaw(name);
        var values = new long[entry.Elements];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = entry.Format.Name switch
            {
                "I64" => BinaryPrimitives.ReadInt64LittleEndian(bytes[(i * 8)..]),
                "I32" => BinaryPrimitives.ReadInt32LittleEndian(bytes[(i * 4)..]),
                "U32" => BinaryPrimitives.ReadUInt32LittleEndian(bytes[(i * 4)..]),
                "I16" => BinaryPrimitives.ReadInt16LittleEndian(bytes[(i * 2)..]),
                "U16" => BinaryPrimitives.ReadUInt16LittleEndian(bytes[(i * 2)..]),
                "I8" => (sbyte)bytes[i],
                "U8" or "BOOL" => bytes[i],
                var other => throw new CheckpointException(Location, $"dtype {other} was found, integers wanted", entry.Offset, name),
            };
        }

        return values;
    }

    public void Dispose() => _file.Dispose();

    private SafetensorsEntry Entry(string name) => (SafetensorsEntry)this.Get(name);
}
