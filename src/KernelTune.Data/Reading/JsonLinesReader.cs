using System.Text.Json;

namespace KernelTune.Data.Reading;

/// <summary>A JSON object a line. A byte-order mark, CRLF and a missing last newline are accepted; blank lines are counted and passed over.</summary>
internal sealed class JsonLinesReader(string path, int longestLine) : RecordReader
{
    private readonly LineReader _lines = new(path, longestLine);

    public override string Kind => "JSON Lines";

    public override bool TryRead(out Record record)
    {
        while (_lines.TryRead(out Line line))
        {
            if (line.IsBlank)
            {
                BlankLines++;
                continue;
            }

            var place = new Place(line.Number, "line", line.Bytes);
            try
            {
                if (line.Problem is not null) throw new DataException(path, line.Problem, line.Number, line.Column);
                record = new Record(place, RecordJson.Parse(path, place));
            }
            catch (DataException e)
            {
                record = new Record(place, default, e);
            }

            return true;
        }

        record = default;
        return false;
    }

    protected override void Close() => _lines.Dispose();
}
