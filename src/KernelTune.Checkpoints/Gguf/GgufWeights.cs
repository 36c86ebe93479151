using System.Buffers;

namespace KernelTune.Checkpoints;

/// <summary>
/// A GGUF file's weights as Hugging Face has them: its names, and the rows of query and key projections in its order. llama.cpp
/// interleaves the two halves of every Llama head (file row 2j is row j, file row 2j+1 is row j + D/2); that is undone here, rows only ever
/// moving whole, so raw bytes stay exact.
/// </summary>
public sealed class GgufWeights : IWeightSource
{
    private readonly GgufFile _file;
    private readonly Dictionary<string, Mapped> _byName = new(StringComparer.Ordinal);

    private GgufWeights(GgufFile file)
    {
        _file = file;
        Architecture = file.Text("general.architecture")
            ?? throw new CheckpointException(file.Location, "key \"general.architecture\": absent, a string wanted");
        if (!GgufNames.Architectures.Contains(Architecture))
            throw new CheckpointException(
                file.Location, $"architecture {CheckpointException.Quote(Architecture)} was found, one of {string.Join(", ", GgufNames.Architectures)} wanted");

        var names = new List<string>();
        var unmapped = new List<string>();
        foreach (var tensor in file.Tensors)
        {
            if (GgufNames.Find(Architecture, tensor.Name) is not { } name)
            {
                unmapped.Add(tensor.Name);
                continue;
            }

            if (!_byName.TryAdd(name, new Mapped(tensor with { Name = name }, tensor.Name, HeadRows(tensor))))
                throw new CheckpointException(file.Location, $"two tensors are called {CheckpointException.Quote(name)}", tensor.Offset, tensor.Name);
            names.Add(name);
        }

        Names = names;
        Unmapped = unmapped;
    }

    /// <summary>general.architecture: "llama", "qwen2", "bert".</summary>
    public string Architecture { get; }

    public string Location => _file.Location;

    public IReadOnlyList<string> Files => _file.Files;

    public string NativeDType => _file.NativeDType;

    public IReadOnlyList<string> Names { get; }

    /// <summary>Tensors that Hugging Face has no name for (rope_freqs.weight), under the file's names.</summary>
    public IReadOnlyList<string> Unmapped { get; }

    /// <summary>A view of <paramref name="file"/>, which it owns from then on.</summary>
    /// <exception cref="CheckpointException">An architecture whose names are not known, or head counts that do not divide the rows.</exception>
    public static GgufWeights Of(GgufFile file)
    {
        ArgumentNullException.ThrowIfNull(file);
        return new GgufWeights(file);
    }

    public bool TryGet(string name, out WeightInfo info)
    {
        var found = _byName.TryGetValue(name, out var mapped);
        info = mapped.Info;
        return found;
    }

    public void ReadF32(string name, Span<float> into)
    {
        var weight = Weight(name);
        if (weight.HeadRows == 0)
            _file.ReadF32(weight.FileName, into);
        else
            ReadF32Rows(name, 0, weight.Info.Rows, into);
    }

    public void ReadF32Rows(string name, long rowStart, long rowCount, Span<float> into)
    {
        var weight = Weight(name);
        if (weight.HeadRows == 0)
        {
            _file.ReadF32Rows(weight.FileName, rowStart, rowCount, into);
            return;
        }

        var row = (int)EncodedReader.CheckRows(Location, weight.Info, rowStart, rowCount, into.Length, asBytes: false);
        var head = ArrayPool<float>.Shared.Rent(checked(weight.HeadRows * row));
        for (var done = 0L; done < rowCount;)
        {
            var (first, count) = InHead(weight.HeadRows, rowStart + done, rowCount - done);
            var whole = head.AsSpan(0, weight.HeadRows * row);
            _file.ReadF32Rows(weight.FileName, first / weight.HeadRows * weight.HeadRows, weight.HeadRows, whole);
            Unpermute<float>(whole, into[(int)(done * row)..], weight.HeadRows, (int)(first % weight.HeadRows), count, row);
            done += count;
        }

        ArrayPool<float>.Shared.Return(head);
    }

    public void ReadRaw(string name, Span<byte> into)
    {
        var weight = Weight(name);
        if (weight.HeadRows == 0)
            _file.ReadRaw(weight.FileName, into);
        else
            ReadRawRows(name, 0, weight.Info.Rows, into);
    }

    public void ReadRawRows(string name, long rowStart, long rowCount, Span<byte> into)
    {
        var weight = Weight(name);
        if (weight.HeadRows == 0)
        {
            _file.ReadRawRows(weight.FileName, rowStart, rowCount, into);
            return;
        }

        _ = EncodedReader.CheckRows(Location, weight.Info, rowStart, rowCount, into.Length, asBytes: true);
        var row = (int)(weight.Info.Bytes / weight.Info.Rows);
        var head = ArrayPool<byte>.Shared.Rent(checked(weight.HeadRows * row));
        for (var done = 0L; done < rowCount;)
        {
            var (first, count) = InHead(weight.HeadRows, rowStart + done, rowCount - done);
            var whole = head.AsSpan(0, weight.HeadRows * row);
            _file.ReadRawRows(weight.FileName, first / weight.HeadRows * weight.HeadRows, weight.HeadRows, whole);
            Unpermute<byte>(whole, into[(int)(done * row)..], weight.HeadRows, (int)(first % weight.HeadRows), count, row);
            done += count;
        }

        ArrayPool<byte>.Shared.Return(head);
    }

    public void Dispose() => _file.Dispose();

    private static (long First, int Count) InHead(int headRows, long first, long left) =>
        (first, (int)Math.Min(left, headRows - (first % headRows)));

    private static void Unpermute<T>(ReadOnlySpan<T> head, Span<T> into, int headRows, int first, int count, int row)
    {
        var half = headRows / 2;
        for (var i = 0; i < count; i++)
        {
            var wanted = first + i;
            var inFile = wanted < half ? 2 * wanted : (2 * (wanted - half)) + 1;
            head.Slice(inFile * row, row).CopyTo(into[(i * row)..]);
        }
    }

    /// <summary>Rows of one head where the tensor's rows are permuted, 0 where they are not.</summary>
    private int HeadRows(GgufTensor tensor)
    {
        var isQuery = tensor.Name.Contains(".attn_q.", StringComparison.Ordinal);
        if (!GgufNames.PermutesHeads(Architecture) || !(isQuery || tensor.Name.Contains(".attn_k.", StringComparison.Ordinal)))
            return 0;
        var key = $"{Architecture}.attention.head_count";
        var heads = isQuery ? _file.Integer(key) : _file.Integer(key + "_kv") ?? _file.Integer(key);
        if (heads is not { } count || count < 1 || tensor.Rows % count != 0 || tensor.Rows / count % 2 != 0 || tensor.Rows / count > 1 << 16)
            throw new CheckpointException(
                _file.Location,
                $"{heads ?? 0} heads were found ({key}), a count that divides its {tensor.Rows} rows into even heads wanted",
                tensor.Offset,
                tensor.Name);
        return (int)(tensor.Rows / count);
    }

    private Mapped Weight(string name) => _byName.TryGetValue(name, out var mapped)
        ? mapped
        : throw new CheckpointException(Location, $"holds no such tensor among its {Names.Count}", tensor: name);

    private readonly record struct Mapped(WeightInfo Info, string FileName, int HeadRows);
}
