using System.Runtime.InteropServices;
using System.Text.Json;
using Parquet;
using Parquet.Data;
using Parquet.Schema;

namespace KernelTune.Data.Reading;

/// <summary>A Parquet file, a group of rows in memory at a time: texts, numbers, booleans, and lists and objects of these, as datasets keep conversations.</summary>
internal sealed class ParquetFileReader : RecordReader
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly string _path;
    private readonly ParquetReader _reader;
    private readonly ParquetColumn[] _columns;
    private Dictionary<string, object?>[] _rows = [];
    private readonly SortedSet<string> _unread = new(StringComparer.Ordinal);
    private int _group;
    private int _next;
    private long _number;

    /// <exception cref="DataException">The file cannot be read, or is no Parquet.</exception>
    public ParquetFileReader(string path)
    {
        _path = path;
        var file = new FileStream(RegularFile.Open(path), FileAccess.Read);
        var stream = new EndedStream(file);
        try
        {
            _reader = Guarded(() =>
            {
                ParquetFooter.Check(file.SafeFileHandle);
                return InTime(() => ParquetReader.CreateAsync(stream, leaveStreamOpen: false).GetAwaiter().GetResult());
            });
            _columns = Guarded(() => _reader.Schema.DataFields.Select(f => ParquetColumn.Of(f, _reader.Schema)).OfType<ParquetColumn>().ToArray());
        }
        catch (DataException)
        {
            stream.Dispose();
            throw;
        }
    }

    public override string Kind => _unread.Count == 0 ? "Parquet" : $"Parquet ({string.Join(", ", _unread)} in an encoding that cannot be read)";

    public override bool TryRead(out Record record)
    {
        record = default;
        while (_next == _rows.Length)
        {
            if (_group == _reader.RowGroupCount) return false;
            _rows = Guarded(() => Group(_group++));
            _next = 0;
        }

        Dictionary<string, object?> row = _rows[_next++];
        var place = new Place(++_number, "row");
        try
        {
            record = new Record(place, RecordJson.Make(writer =>
            {
                foreach (var (name, value) in row)
                {
                    writer.WritePropertyName(name);
                    ParquetColumn.Write(writer, value);
                }
            }));
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException or JsonException)
        {
            record = new Record(place, default, new DataException(_path, $"a value cannot be used ({Sentence(e)})", _number, 0, e, "row"));
        }

        return true;
    }

    protected override void Close() => _reader.DisposeAsync().AsTask().GetAwaiter().GetResult();

    private Dictionary<string, object?>[] Group(int number)
    {
        using ParquetRowGroupReader group = _reader.OpenRowGroupReader(number);
        // A damaged count must not decide how much is allocated: four rows a byte of the file are more than any data has.
        long most = 4 * Math.Max(1 << 14, new FileInfo(_path).Length);
        if (group.RowCount < 0 || group.RowCount > most) throw new InvalidDataException($"a group of {group.RowCount} rows");
        var rows = new Dictionary<string, object?>[(int)group.RowCount];
        for (int r = 0; r < rows.Length; r++) rows[r] = new Dictionary<string, object?>(StringComparer.Ordinal);
        foreach (ParquetColumn column in _columns)
        {
            if (group.GetMetadata(column.Field)?.MetaData?.NumValues is { } values && (values < 0 || values > most)) throw new InvalidDataException($"a column of {values} values");
            try
            {
                using RawColumnData data = group.ReadRawColumnDataBaseAsync(column.Field).AsTask().GetAwaiter().GetResult();
                column.AddTo(rows, data);
            }
            catch (NotSupportedException)
            {
                // An encoding that the library lacks: the column is as if it were not there, and the account says so.
                _unread.Add(column.Field.Path.ToString());
            }
        }

        return rows;
    }

    /// <summary>
    /// A footer that is whole and yet names fields that the library does not know can still keep it busy for ever; nothing can end that but the end of the process, so it is left behind on a
    /// thread that does not hold the process up.
    /// </summary>
    private static T InTime<T>(Func<T> open)
    {
        var done = new TaskCompletionSource<T>();
        new Thread(() =>
        {
            try
            {
                done.SetResult(open());
            }
            catch (Exception e)
            {
                done.SetException(e);
            }
        })
        { IsBackground = true, Name = "Parquet footer" }.Start();
        return done.Task.Wait(Patience) ? done.Task.Result : throw new InvalidDataException($"its footer could not be understood in {Patience.TotalSeconds} seconds");
    }

    /// <summary>Whatever the library meets in a damaged file becomes one kind of error.</summary>
    private T Guarded<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (AggregateException e) when (e.InnerException is not (null or OutOfMemoryException))
        {
            throw new DataException(_path, $"not a Parquet file that can be read ({Sentence(e.InnerException)})", inner: e);
        }
        catch (Exception e) when (e is not DataException and not OutOfMemoryException)
        {
            throw new DataException(_path, $"not a Parquet file that can be read ({Sentence(e)})", inner: e);
        }
        catch (OutOfMemoryException e) when (new FileInfo(_path).Length < 1L << 30)
        {
            throw new DataException(_path, "not a Parquet file that can be read (it claims sizes beyond its own)", inner: e);
        }
    }

    private static string Sentence(Exception e) => e.Message.Split('\n')[0].TrimEnd('\r', '.', ' ');
}
