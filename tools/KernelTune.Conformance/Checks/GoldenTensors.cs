using System.Buffers.Binary;
using System.Globalization;
using System.Text.Json;

namespace KernelTune.Conformance.Checks;

/// <summary>The tensors of one safetensors file, read whole. The judge has a reader of its own, so that a fault in the one that is judged cannot hide itself.</summary>
public sealed class GoldenTensors
{
    private readonly Dictionary<string, GoldenTensor> tensors = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> metadata = new(StringComparer.Ordinal);

    /// <summary>Reads a file.</summary>
    /// <exception cref="InvalidDataException">The file is no safetensors file.</exception>
    public GoldenTensors(string path)
    {
        Path = path;
        byte[] file = File.ReadAllBytes(path);
        ulong header = file.Length >= 8 ? BinaryPrimitives.ReadUInt64LittleEndian(file) : ulong.MaxValue;
        if (header > (ulong)(file.Length - 8))
            throw new InvalidDataException($"{path}: the header is longer than the file");
        int data = 8 + (int)header;
        using JsonDocument json = JsonDocument.Parse(file.AsMemory(8, (int)header));
        foreach (JsonProperty entry in json.RootElement.EnumerateObject())
        {
            if (entry.Name == "__metadata__")
            {
                foreach (JsonProperty text in entry.Value.EnumerateObject())
                    metadata[text.Name] = text.Value.GetString()!;
                continue;
            }

            int begin = entry.Value.GetProperty("data_offsets")[0].GetInt32();
            int end = entry.Value.GetProperty("data_offsets")[1].GetInt32();
            int[] shape = [.. entry.Value.GetProperty("shape").EnumerateArray().Select(e => e.GetInt32())];
            tensors[entry.Name] = new GoldenTensor(entry.Name, entry.Value.GetProperty("dtype").GetString()!, shape, file.AsMemory((data + begin)..(data + end)));
        }
    }

    public string Path { get; }

    /// <summary>Names in the order of the header.</summary>
    public IReadOnlyCollection<string> Names => tensors.Keys;

    /// <summary>The file's <c>__metadata__</c>; empty where there is none.</summary>
    public IReadOnlyDictionary<string, string> Metadata => metadata;

    public bool Has(string name) => tensors.ContainsKey(name);

    /// <summary>All tensors by their names.</summary>
    public IReadOnlyDictionary<string, GoldenTensor> ByName => tensors;

    /// <exception cref="InvalidDataException">The file lacks the tensor.</exception>
    public GoldenTensor this[string name] =>
        tensors.TryGetValue(name, out GoldenTensor? tensor) ? tensor : throw new InvalidDataException($"{Path}: there is no tensor {name}");
}

/// <summary>One stored tensor.</summary>
public sealed class GoldenTensor(string name, string dtype, int[] shape, ReadOnlyMemory<byte> bytes)
{
    public string Name => name;

    /// <summary>As the file spells it: "F32", "I64", "BOOL" …</summary>
    public string DType => dtype;

    public IReadOnlyList<int> Shape => shape;

    public ReadOnlySpan<byte> Bytes => bytes.Span;

    /// <summary>The same numbers under another shape.</summary>
    public GoldenTensor Reshaped(params int[] axes) => new(name, dtype, axes, bytes);

    /// <summary>The number of elements.</summary>
    public int Count => shape.Aggregate(1, (product, n) => product * n);

    /// <summary>The values of a floating-point tensor, in double.</summary>
    /// <exception cref="InvalidDataException">The tensor holds no floating-point numbers.</exception>
    public double[] Doubles()
    {
        var values = new double[Count];
        ReadOnlySpan<byte> b = bytes.Span;
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = dtype switch
            {
                "F64" => BinaryPrimitives.ReadDoubleLittleEndian(b[(8 * i)..]),
                "F32" => BinaryPrimitives.ReadSingleLittleEndian(b[(4 * i)..]),
                "F16" => (double)BinaryPrimitives.ReadHalfLittleEndian(b[(2 * i)..]),
                "BF16" => BitConverter.UInt32BitsToSingle((uint)BinaryPrimitives.ReadUInt16LittleEndian(b[(2 * i)..]) << 16),
                _ => throw Wrong("floating-point numbers"),
            };
        }

        return values;
    }

    /// <summary>The values of a floating-point tensor, in float.</summary>
    /// <exception cref="InvalidDataException">The tensor holds no floating-point numbers.</exception>
    public float[] Floats() => Array.ConvertAll(Doubles(), v => (float)v);

    /// <summary>The values of an integer or boolean tensor.</summary>
    /// <exception cref="InvalidDataException">The tensor holds no integers.</exception>
    public long[] Integers()
    {
        var values = new long[Count];
        ReadOnlySpan<byte> b = bytes.Span;
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = dtype switch
            {
                "I64" => BinaryPrimitives.ReadInt64LittleEndian(b[(8 * i)..]),
                "I32" => BinaryPrimitives.ReadInt32LittleEndian(b[(4 * i)..]),
                "I16" => BinaryPrimitives.ReadInt16LittleEndian(b[(2 * i)..]),
                "I8" => (sbyte)b[i],
                "U8" or "BOOL" => b[i],
                _ => throw Wrong("integers"),
            };
        }

        return values;
    }

    /// <summary>The rows of a matrix of ids.</summary>
    public int[][] IdRows() => [.. Integers().Select(v => checked((int)v)).Chunk(shape[^1])];

    private InvalidDataException Wrong(string wanted) =>
        new(string.Create(CultureInfo.InvariantCulture, $"the tensor {name} is {dtype}, wanted {wanted}"));
}
