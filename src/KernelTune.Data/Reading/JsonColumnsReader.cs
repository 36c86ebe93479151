using System.Text.Json;

namespace KernelTune.Data.Reading;

/// <summary>A JSON object of columns, each a list with a value a row. The file is read whole.</summary>
internal sealed class JsonColumnsReader : RecordReader
{
    private readonly JsonDocument _document;
    private readonly (string Name, JsonElement Values)[] _columns;
    private readonly int _rows;
    private int _next;

    /// <exception cref="DataException">The file cannot be read, is too long, or its columns are no lists of one length.</exception>
    public JsonColumnsReader(string path, int longest)
    {
        string text = WholeText.Read(path, longest);
        try
        {
            _document = JsonDocument.Parse(text, new JsonDocumentOptions { AllowDuplicateProperties = false, MaxDepth = RecordJson.Depth });
        }
        catch (JsonException e)
        {
            throw new DataException(path, $"not valid JSON ({RecordJson.Reason(e)})", (e.LineNumber ?? 0) + 1, (int)Math.Min(int.MaxValue, (e.BytePositionInLine ?? 0) + 1), e);
        }

        _columns = _document.RootElement.ValueKind == JsonValueKind.Object ? [.. _document.RootElement.EnumerateObject().Select(p => (p.Name, p.Value))] : [];
        if (_columns.Length == 0) throw new DataException(path, "an object of columns wanted");
        foreach (var (column, values) in _columns)
            if (values.ValueKind != JsonValueKind.Array) throw new DataException(path, $"column {column} is {RecordJson.Kind(values)}, a list wanted");
        _rows = _columns[0].Values.GetArrayLength();
        foreach (var (column, values) in _columns)
            if (values.GetArrayLength() != _rows) throw new DataException(path, $"column {column} has {values.GetArrayLength()} values, {_rows} as in column {_columns[0].Name} wanted");
        if (_rows == 0) throw new DataException(path, "the columns are empty, at least one row wanted");
    }

    public override string Kind => "JSON, an object of columns";

    public override bool TryRead(out Record record)
    {
        record = default;
        if (_next == _rows) return false;
        int row = _next++;
        record = new Record(new Place(row + 1, "row"), RecordJson.Make(writer =>
        {
            foreach (var (column, values) in _columns)
            {
                writer.WritePropertyName(column);
                values[row].WriteTo(writer);
            }
        }));
        return true;
    }

    protected override void Close() => _document.Dispose();
}
