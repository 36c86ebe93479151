using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using CsvHelper;

namespace KernelTune.Data.Reading;

/// <summary>
/// Comma- or tab-separated values with a header (RFC 4180): quoted newlines and doubled quotes are accepted; an unclosed quote, text behind a closing one and a row with another number of
/// fields than the header are errors of their line. Every value is a text.
/// </summary>
internal sealed class CsvFileReader : RecordReader
{
    private readonly string _path;
    private readonly CsvReader _csv;
    private readonly string[] _names;
    private readonly char _separator;
    private string? _malformed;

    /// <param name="path">The file.</param>
    /// <param name="separator">What stands between fields; null: told from the first lines.</param>
    /// <param name="longestRow">In bytes.</param>
    /// <exception cref="DataException">The file cannot be read, or its header cannot be used.</exception>
    public CsvFileReader(string path, char? separator, int longestRow)
    {
        _path = path;
        var options = new CsvReaderOptions
        {
            Separator = separator,
            MalformedData = CsvMalformedDataHandling.Recover,
            OnMalformedRecord = m => _malformed = Sentence(m.Reason),
            TrackLineNumbers = true,
            MaxRecordSize = longestRow,
            IncludeValuesInExceptions = false,
            SkipEmptyLines = true,
        };
        _csv = CsvReader.Create(new FileStream(RegularFile.Open(path), FileAccess.Read, 1), options, leaveOpen: false);
        _names = Guarded(Header);
        _separator = Guarded(() => _csv.Separator);
    }

    public override string Kind => _separator == '\t' ? "TSV" : $"CSV with '{_separator}' between fields";

    public override bool TryRead(out Record record)
    {
        _malformed = null;
        if (!Guarded(_csv.Read))
        {
            record = default;
            return false;
        }

        var place = new Place(_csv.LineNumber, "line");
        if (_malformed is not null)
            record = new Record(place, default, new DataException(_path, _malformed, place.Number));
        else if (_csv.FieldCount != _names.Length)
            record = new Record(place, default, new DataException(_path, $"{_csv.FieldCount} fields were found, {_names.Length} as in the header wanted", place.Number));
        else if (!Utf8.IsValid(_csv.RawRecord))
            record = new Record(place, default, new DataException(_path, "bytes that are not UTF-8 were found, UTF-8 wanted", place.Number));
        else
            record = new Record(place, RecordJson.Make(Write));
        return true;
    }

    protected override void Close() => _csv.Dispose();

    private void Write(Utf8JsonWriter writer)
    {
        for (int i = 0; i < _names.Length; i++) writer.WriteString(_names[i], _csv.GetSpan(i));
    }

    private string[] Header()
    {
        _csv.ReadHeader();
        string[] names = [.. _csv.Headers];
        if (_malformed is not null) throw new DataException(_path, _malformed, 1);
        if (names.Length == 0) throw new DataException(_path, "the file is empty, at least one row wanted");
        for (int i = 0; i < names.Length; i++)
        {
            if (names[i].Length == 0) throw new DataException(_path, $"column {i + 1} has no name", 1);
            if (names[i].Contains('\uFFFD', StringComparison.Ordinal)) throw new DataException(_path, "bytes that are not UTF-8 were found in the header, UTF-8 wanted", 1);
            int first = Array.IndexOf(names, names[i]);
            if (first != i) throw new DataException(_path, $"columns {first + 1} and {i + 1} are both called {names[i]}", 1);
        }

        return names;
    }

    private T Guarded<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (CsvFormatException e)
        {
            throw new DataException(_path, $"not valid CSV ({Sentence(e)})", Math.Max(1, e.LineNumber), inner: e);
        }
        catch (IOException e)
        {
            throw new DataException(_path, $"cannot be read ({Sentence(e)})", inner: e);
        }
    }

    /// <summary>A quote inside a field that none opened is text: people write 5" pipes.</summary>
    private static string? Sentence(CsvMalformedReason reason) => reason switch
    {
        CsvMalformedReason.UnterminatedQuote => "a quote was opened and never closed",
        CsvMalformedReason.TextAfterClosingQuote => "text was found behind a closing quote, the end of the field wanted (a quote within quotes is written twice)",
        _ => null,
    };

    private static string Sentence(Exception e) => e.Message.Split('\n')[0].TrimEnd('\r', '.', ' ');
}
