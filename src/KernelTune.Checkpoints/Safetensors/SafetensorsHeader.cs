using System.Buffers.Binary;
using System.Text.Json;
using System.Text.Unicode;

namespace KernelTune.Checkpoints;

/// <summary>One tensor of a safetensors file; <paramref name="Offset"/> is its first byte in the file.</summary>
public sealed record SafetensorsEntry(string Name, WeightFormat Format, long[] Shape, long Offset, long Bytes) : WeightInfo(Name, Format, Shape, Bytes);

/// <summary>
/// The header of a safetensors file: u64 length, then one JSON object. Everything in it is checked here, once: afterwards every
/// entry lies inside the file, its span is what its type and shape say, and spans neither overlap nor leave holes.
/// </summary>
internal sealed class SafetensorsHeader
{
    /// <summary>The format's own bound on the length of the JSON.</summary>
    public const int MostBytes = 100_000_000;

    private readonly SourceFile _file;
    private readonly byte[] _json;

    private bool _hasMetadata;

    private SafetensorsHeader(SourceFile file, byte[] json)
    {
        _file = file;
        _json = json;
    }

    public Dictionary<string, SafetensorsEntry> Entries { get; } = new(StringComparer.Ordinal);

    public List<string> Names { get; } = [];

    public Dictionary<string, string> Metadata { get; } = new(StringComparer.Ordinal);

    private long DataStart => 8L + _json.Length;

    /// <exception cref="CheckpointException">Any of what the format forbids.</exception>
    public static SafetensorsHeader Read(SourceFile file)
    {
        if (file.Length < 8)
            throw new CheckpointException(file.Path, $"{file.Length} bytes found, at least 8 (the length of a safetensors header) wanted", 0);
        Span<byte> prefix = stackalloc byte[8];
        file.ReadExactly(0, prefix);
        var length = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (length > MostBytes)
            throw new CheckpointException(file.Path, $"a header of {length} bytes is announced, at most {MostBytes} are allowed", 0);
        if ((long)length > file.Length - 8)
            throw new CheckpointException(file.Path, $"a header of {length} bytes is announced, {file.Length - 8} bytes follow", 0);
        if (length < 2)
            throw new CheckpointException(file.Path, $"a header of {length} bytes is announced, at least 2 (the JSON object {{}}) wanted", 0);

        var json = new byte[length];
        file.ReadExactly(8, json);
        if (!Utf8.IsValid(json))
            throw new CheckpointException(file.Path, "the header is not UTF-8", 8 + FirstInvalid(json));

        var header = new SafetensorsHeader(file, json);
        header.Parse();
        header.CheckSpans();
        return header;
    }

    private static int FirstInvalid(ReadOnlySpan<byte> json)
    {
        var done = 0;
        while (System.Text.Rune.DecodeFromUtf8(json[done..], out _, out var used) == System.Buffers.OperationStatus.Done)
            done += used;
        return done;
    }

    private CheckpointException Bad(ref Utf8JsonReader reader, string problem, string? tensor = null) =>
        new(_file.Path, problem, 8 + reader.TokenStartIndex, tensor);

    private void Parse()
    {
        var reader = new Utf8JsonReader(_json, new JsonReaderOptions { MaxDepth = 64 });
        try
        {
            Next(ref reader, JsonTokenType.StartObject, "the header", null);
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var name = reader.GetString()!;
                if (name == "__metadata__")
                    ParseMetadata(ref reader);
                else
                    ParseTensor(ref reader, name);
            }

            if (reader.Read())
                throw Bad(ref reader, "more JSON follows the header's object");
        }
        catch (JsonException e)
        {
            throw new CheckpointException(_file.Path, $"the header is not valid JSON: {SourceFile.FirstLine(e)}", 8 + reader.BytesConsumed, inner: e);
        }
        catch (InvalidOperationException e)
        {
            // Utf8JsonReader says so of an escaped half of a surrogate pair.
            throw new CheckpointException(_file.Path, "a string of the header is not valid Unicode", 8 + reader.TokenStartIndex, inner: e);
        }
    }

    private void Next(ref Utf8JsonReader reader, JsonTokenType wanted, string what, string? tensor)
    {
        reader.Read();
        if (reader.TokenType != wanted)
            throw Bad(ref reader, $"{what} is {Describe(reader.TokenType)}, {Describe(wanted)} wanted", tensor);
    }

    private void ParseMetadata(ref Utf8JsonReader reader)
    {
        if (_hasMetadata)
            throw Bad(ref reader, "__metadata__ stands twice");
        _hasMetadata = true;
        Next(ref reader, JsonTokenType.StartObject, "__metadata__", null);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var key = reader.GetString()!;
            Next(ref reader, JsonTokenType.String, $"__metadata__ {CheckpointException.Quote(key)}", null);
            if (!Metadata.TryAdd(key, reader.GetString()!))
                throw Bad(ref reader, $"__metadata__ holds {CheckpointException.Quote(key)} twice");
        }
    }

    private void ParseTensor(ref Utf8JsonReader reader, string name)
    {
        var nameAt = 8 + reader.TokenStartIndex;
        WeightFormat? format = null;
        long[]? shape = null;
        long[]? span = null;
        Next(ref reader, JsonTokenType.StartObject, "its entry", name);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("dtype"u8))
            {
                OnlyOnce(ref reader, format, "dtype", name);
                Next(ref reader, JsonTokenType.String, "dtype", name);
                format = SafetensorsDTypes.Find(reader.GetString()!)
                    ?? throw Bad(
                        ref reader, $"dtype {CheckpointException.Quote(reader.GetString()!)} is unknown, one of {SafetensorsDTypes.Supported} wanted", name);
            }
            else if (reader.ValueTextEquals("shape"u8))
            {
                OnlyOnce(ref reader, shape, "shape", name);
                shape = Integers(ref reader, "shape", name);
            }
            else if (reader.ValueTextEquals("data_offsets"u8))
            {
                OnlyOnce(ref reader, span, "data_offsets", name);
                span = Integers(ref reader, "data_offsets", name);
            }
            else
            {
                reader.Skip();
            }
        }

        if (format is null || shape is null || span is null)
        {
            var missing = format is null ? "dtype" : shape is null ? "shape" : "data_offsets";
            throw new CheckpointException(_file.Path, $"its entry has no {missing}", nameAt, name);
        }

        var entry = new SafetensorsEntry(name, format, shape, DataStart + Begin(span, nameAt, name), span[1] - span[0]);
        CheckSize(entry, nameAt);
        if (!Entries.TryAdd(name, entry))
            throw new CheckpointException(_file.Path, "the name stands twice in the header", nameAt, name);
        Names.Add(name);
    }

    private void OnlyOnce(ref Utf8JsonReader reader, object? value, string key, string tensor)
    {
        if (value is not null)
            throw Bad(ref reader, $"{key} stands twice", tensor);
    }

    private long[] Integers(ref Utf8JsonReader reader, string key, string tensor)
    {
        Next(ref reader, JsonTokenType.StartArray, key, tensor);
        var values = new List<long>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            // "1.0" and "1e3" are numbers to JSON, not to this format: only digits will do.
            var isDigits = reader.TokenType == JsonTokenType.Number && !reader.ValueSpan.ContainsAnyExceptInRange((byte)'0', (byte)'9');
            if (!isDigits || !reader.TryGetInt64(out var value))
                throw Bad(ref reader, $"{key} holds {Found(ref reader)}, integers from 0 to {long.MaxValue} wanted", tensor);
            values.Add(value);
        }

        return [.. values];
    }

    private static string Found(ref Utf8JsonReader reader) => reader.TokenType == JsonTokenType.Number
        ? CheckpointException.Quote(System.Text.Encoding.ASCII.GetString(reader.ValueSpan))
        : Describe(reader.TokenType);

    private long Begin(long[] span, long nameAt, string name)
    {
        if (span.Length != 2)
            throw new CheckpointException(_file.Path, $"data_offsets holds {span.Length} numbers, begin and end wanted", nameAt, name);
        if (span[1] < span[0])
            throw new CheckpointException(_file.Path, $"data_offsets ends at {span[1]}, before it begins at {span[0]}", nameAt, name);
        var data = _file.Length - DataStart;
        if (span[1] > data)
            throw new CheckpointException(_file.Path, $"data_offsets ends at {span[1]}, the file holds {data} bytes of data", nameAt, name);
        return span[0];
    }

    private void CheckSize(SafetensorsEntry entry, long nameAt)
    {
        var elements = 1L;
        foreach (var n in entry.Shape)
        {
            var product = Math.BigMul((ulong)elements, (ulong)n, out var low);
            if (product != 0 || low > long.MaxValue)
                throw new CheckpointException(_file.Path, $"the product of its shape {entry.ShapeText} overflows", nameAt, entry.Name);
            elements = (long)low;
        }

        if (!entry.Format.TryBytes(elements, out var wanted))
            throw new CheckpointException(_file.Path, $"its shape {entry.ShapeText} of {entry.Format.Name} is no whole number of bytes", nameAt, entry.Name);
        if (wanted != entry.Bytes)
            throw new CheckpointException(
                _file.Path, $"data_offsets spans {entry.Bytes} bytes, its shape {entry.ShapeText} of {entry.Format.Name} takes {wanted}", nameAt, entry.Name);
    }

    private void CheckSpans()
    {
        var placed = Entries.Values.ToArray();
        Array.Sort(placed, (a, b) => a.Offset != b.Offset ? a.Offset.CompareTo(b.Offset) : a.Bytes.CompareTo(b.Bytes));
        var end = DataStart;
        SafetensorsEntry? before = null;
        foreach (var entry in placed)
        {
            if (entry.Offset < end)
                throw new CheckpointException(
                    _file.Path, $"it overlaps {CheckpointException.Quote(before!.Name)}, which ends at byte {end}", entry.Offset, entry.Name);
            if (entry.Offset > end)
                throw new CheckpointException(_file.Path, $"a hole of {entry.Offset - end} bytes lies before it", end, entry.Name);
            end = entry.Offset + entry.Bytes;
            before = entry;
        }

        if (end != _file.Length)
            throw new CheckpointException(_file.Path, $"{_file.Length - end} bytes follow the last tensor, none wanted", end);
    }

    private static string Describe(JsonTokenType token) => token switch
    {
        JsonTokenType.StartObject => "an object",
        JsonTokenType.StartArray => "an array",
        JsonTokenType.String => "a string",
        JsonTokenType.Number => "a number",
        JsonTokenType.True or JsonTokenType.False => "a boolean",
        JsonTokenType.Null => "null",
        _ => "nothing",
    };
}
