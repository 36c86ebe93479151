using System.Globalization;

namespace KernelTune.Checkpoints;

/// <summary>One tensor of a GGUF file; <paramref name="Offset"/> is its first byte in the file. The shape is outermost first: GGUF's, reversed.</summary>
public sealed record GgufTensor(string Name, WeightFormat Format, long[] Shape, long Offset, long Bytes) : WeightInfo(Name, Format, Shape, Bytes);

/// <summary>
/// A GGUF file of version 2 or 3, opened for reading: typed metadata and tensors under the file's own names and row order
/// (<see cref="GgufWeights"/> gives them as Hugging Face's). Everything in the directory is checked when it is opened. (ggml-org/ggml, docs/gguf.md.)
/// </summary>
public sealed class GgufFile : IWeightSource
{
    private const uint Magic = 0x46554747;      // "GGUF"
    private const int MostDimensions = 8;

    private readonly SourceFile _file;
    private readonly Dictionary<string, GgufTensor> _byName = new(StringComparer.Ordinal);
    private readonly List<GgufTensor> _tensors = [];

    private GgufFile(SourceFile file)
    {
        _file = file;
        var cursor = new GgufCursor(file);
        Version = ReadVersion(cursor);
        var tensors = cursor.Count("the number of tensors", 24);
        var keys = cursor.Count("the number of keys", 13);
        Metadata = GgufMetadata.Read(cursor, keys).AsReadOnly();
        var alignment = Alignment(cursor);
        for (var i = 0L; i < tensors; i++)
            ReadTensor(cursor, alignment);
        Place(cursor, alignment);
        Names = [.. _tensors.Select(t => t.Name)];
        NativeDType = WeightSources.Prevailing(_tensors);
    }

    public string Location => _file.Path;

    public IReadOnlyList<string> Files => [_file.Path];

    public string NativeDType { get; }

    public IReadOnlyList<string> Names { get; }

    public uint Version { get; }

    /// <summary>
    /// Keys and values: byte, sbyte, ushort, short, uint, int, ulong, long, float, double, bool, string, or arrays of one of these; arrays of
    /// arrays are object[].
    /// </summary>
    public IReadOnlyDictionary<string, object> Metadata { get; }

    /// <summary>All tensors, in the order of the file.</summary>
    public IReadOnlyList<GgufTensor> Tensors => _tensors;

    /// <summary>Opens <paramref name="path"/> and checks its directory.</summary>
    /// <exception cref="CheckpointException">The file cannot be read or is no valid GGUF file.</exception>
    public static GgufFile Open(string path)
    {
        var file = SourceFile.Open(path);
        try
        {
            return new GgufFile(file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>An integer of any width, or null where the key is absent.</summary>
    /// <exception cref="CheckpointException">The value is no integer that fits.</exception>
    public long? Integer(string key) => Metadata.GetValueOrDefault(key) switch
    {
        null => null,
        byte or sbyte or ushort or short or uint or int or long => Convert.ToInt64(Metadata[key], CultureInfo.InvariantCulture),
        ulong value when value <= long.MaxValue => (long)value,
        var other => throw Wrong(key, other, "an integer"),
    };

    /// <summary>A real number, or null where the key is absent.</summary>
    /// <exception cref="CheckpointException">The value is no finite number.</exception>
    public double? Real(string key) => Metadata.GetValueOrDefault(key) switch
    {
        null => null,
        float value when float.IsFinite(value) => value,
        double value when double.IsFinite(value) => value,
        byte or sbyte or ushort or short or uint or int or ulong or long => Convert.ToDouble(Metadata[key], CultureInfo.InvariantCulture),
        var other => throw Wrong(key, other, "a finite number"),
    };

    /// <summary>A string, or null where the key is absent.</summary>
    /// <exception cref="CheckpointException">The value is no string.</exception>
    public string? Text(string key) => Metadata.GetValueOrDefault(key) switch
    {
        null => null,
        string value => value,
        var other => throw Wrong(key, other, "a string"),
    };

    public bool TryGet(string name, out WeightInfo info)
    {
        var found = _byName.TryGetValue(name, out var tensor);
        info = tensor!;
        return found;
    }

    public void ReadF32(string name, Span<float> into)
    {
        var tensor = Tensor(name);
        if (into.Length != tensor.Elements)
            throw new CheckpointException(Location, $"{tensor.ShapeText} has {tensor.Elements} elements, a span of {into.Length} was given", tensor: name);
        EncodedReader.ReadF32(_file, tensor, tensor.Offset, 0, into);
    }

    public void ReadF32Rows(string name, long rowStart, long rowCount, Span<float> into)
    {
        var tensor = Tensor(name);
        var row = EncodedReader.CheckRows(Location, tensor, rowStart, rowCount, into.Length, asBytes: false);
        EncodedReader.ReadF32(_file, tensor, tensor.Offset, rowStart * row, into);
    }

    public void ReadRaw(string name, Span<byte> into)
    {
        var tensor = Tensor(name);
        if (into.Length != tensor.Bytes)
            throw new CheckpointException(Location, $"it has {tensor.Bytes} bytes, a span of {into.Length} was given", tensor: name);
        _file.ReadExactly(tensor.Offset, into, name);
    }

    public void ReadRawRows(string name, long rowStart, long rowCount, Span<byte> into)
    {
        var tensor = Tensor(name);
        var row = EncodedReader.CheckRows(Location, tensor, rowStart, rowCount, into.Length, asBytes: true);
        if (!tensor.Format.TryBytes(row * rowStart, out var skip))
            throw new CheckpointException(Location, $"row {rowStart} begins inside a block of {tensor.Format.Name}", tensor: name);
        _file.ReadExactly(tensor.Offset + skip, into, name);
    }

    public void Dispose() => _file.Dispose();

    private static uint ReadVersion(GgufCursor cursor)
    {
        if (cursor.Remaining < 4 || cursor.U32("the magic number") != Magic)
            throw cursor.Bad("\"GGUF\" wanted at the beginning", 0);
        var version = cursor.U32("the version");
        return version switch
        {
            2 or 3 => version,
            1 => throw cursor.Bad("version 1 was found, 2 or 3 wanted (llama.cpp dropped version 1 in 2023)", 4),
            _ when (version & 0xFFFF) == 0 => throw cursor.Bad("a big-endian file was found, a little-endian one wanted", 4),
            _ => throw cursor.Bad($"version {version} was found, 2 or 3 wanted", 4),
        };
    }

    private long Alignment(GgufCursor cursor)
    {
        var alignment = Integer("general.alignment") ?? 32;
        return alignment is >= 1 and <= 1 << 20 && long.IsPow2(alignment)
            ? alignment
            : throw cursor.Bad($"general.alignment is {alignment}, a power of two up to 1048576 wanted");
    }

    // Offsets count from the end of the directory, which is not known yet: Place adds it.
    private void ReadTensor(GgufCursor cursor, long alignment)
    {
        var at = cursor.Position;
        var name = cursor.Text("the name of a tensor");
        var rank = cursor.U32("the number of dimensions");
        if (rank > MostDimensions)
            throw cursor.Bad($"{rank} dimensions were found, at most {MostDimensions} wanted", at, name);
        var shape = new long[rank];
        var elements = 1L;
        for (var i = (int)rank - 1; i >= 0; i--)
        {
            var n = cursor.U64("a dimension");
            var overflow = Math.BigMul((ulong)elements, n, out var product);
            if (n > long.MaxValue || overflow != 0 || product > long.MaxValue)
                throw cursor.Bad("the product of its dimensions overflows", at, name);
            shape[i] = (long)n;
            elements = (long)product;
        }

        var type = cursor.U32("the type of a tensor");
        var format = GgmlTypes.Find(type) ?? throw cursor.Bad($"tensor type {type} is unknown", cursor.Position - 4, name);
        var row = rank == 0 ? 1 : shape[^1];
        if (row % format.BlockElements != 0 || !format.TryBytes(elements, out var bytes))
            throw cursor.Bad($"rows of {row} elements were found, whole blocks of {format.BlockElements} ({format.Name}) wanted", at, name);
        var offset = cursor.U64("the offset of a tensor");
        if (offset % (ulong)alignment != 0)
            throw cursor.Bad($"its offset {offset} is no multiple of {alignment}", cursor.Position - 8, name);
        if (offset > (ulong)_file.Length || bytes > _file.Length - (long)offset)
            throw cursor.Bad($"it takes {bytes} bytes from {offset} on, the file has {_file.Length}", cursor.Position - 8, name);
        var tensor = new GgufTensor(name, format, shape, (long)offset, bytes);
        if (!_byName.TryAdd(name, tensor))
            throw cursor.Bad("the name stands twice", at, name);
        _tensors.Add(tensor);
    }

    private void Place(GgufCursor cursor, long alignment)
    {
        var start = (cursor.Position + alignment - 1) / alignment * alignment;
        for (var i = 0; i < _tensors.Count; i++)
        {
            var tensor = _tensors[i] with { Offset = _tensors[i].Offset + start };
            if (tensor.Bytes > 0 && tensor.Offset + tensor.Bytes > _file.Length)
                throw cursor.Bad($"it ends at byte {tensor.Offset + tensor.Bytes}, the file at {_file.Length}", tensor.Offset, tensor.Name);
            _tensors[i] = tensor;
            _byName[tensor.Name] = tensor;
        }

        var placed = _tensors.Where(t => t.Bytes > 0).ToArray();
        Array.Sort(placed, (a, b) => a.Offset.CompareTo(b.Offset));
        for (var i = 1; i < placed.Length; i++)
        {
            var end = placed[i - 1].Offset + placed[i - 1].Bytes;
            if (placed[i].Offset < end)
                throw cursor.Bad($"it overlaps {CheckpointException.Quote(placed[i - 1].Name)}, which ends at byte {end}", placed[i].Offset, placed[i].Name);
        }
    }

    private GgufTensor Tensor(string name) => (GgufTensor)this.Get(name);

    private CheckpointException Wrong(string key, object found, string wanted)
    {
        var text = CheckpointException.Quote(Convert.ToString(found, CultureInfo.InvariantCulture) ?? "");
        return new(Location, $"key {CheckpointException.Quote(key)}: {found.GetType().Name} {text} was found, {wanted} wanted");
    }
}
