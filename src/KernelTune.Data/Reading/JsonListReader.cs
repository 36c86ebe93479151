using System.Text.Json;
using Microsoft.Win32.SafeHandles;

namespace KernelTune.Data.Reading;

/// <summary>The objects of a JSON list, read one at a time: the file is the list, or an object that has it under a name.</summary>
/// <param name="path">The file.</param>
/// <param name="name">The list's name in the object that the file is; null: the file is the list.</param>
/// <param name="longestEntry">In bytes.</param>
internal sealed class JsonListReader(string path, string? name, int longestEntry) : RecordReader
{
    private readonly SafeFileHandle _file = RegularFile.Open(path);
    private byte[] _buffer = new byte[1 << 16];
    private int _start;
    private int _end;
    private long _offset;
    private bool _ended;
    private bool _inList;
    private bool _done;
    private long _entries;
    private JsonReaderState _state = new(new JsonReaderOptions { MaxDepth = RecordJson.Depth + 2 });

    public override string Kind => name is null ? "a JSON list" : $"JSON, the list \"{name}\"";

    public override bool TryRead(out Record record)
    {
        record = default;
        if (_done) return false;
        try
        {
            if (!_inList) FindList();
            if (!Step(out JsonTokenType token, out int begin, out int end, whole: true)) throw new DataException(path, "the file ends within the list");
            if (token == JsonTokenType.EndArray)
            {
                Finish();
                return false;
            }

            var place = new Place(++_entries, "entry", _buffer.AsMemory(begin, end - begin));
            try
            {
                record = new Record(place, RecordJson.Parse(path, place));
            }
            catch (DataException e)
            {
                record = new Record(place, default, e);
            }

            return true;
        }
        catch (JsonException e)
        {
            throw new DataException(path, $"not valid JSON ({RecordJson.Reason(e)})", (e.LineNumber ?? 0) + 1, (int)Math.Min(int.MaxValue, (e.BytePositionInLine ?? 0) + 1), e);
        }
    }

    protected override void Close() => _file.Dispose();

    /// <summary>Up to the list's opening bracket.</summary>
    private void FindList()
    {
        Fill();
        if (_buffer.AsSpan(_start, _end - _start).StartsWith("\uFEFF"u8)) _start += 3;
        JsonTokenType first = Next();
        if (name is not null)
        {
            if (first != JsonTokenType.StartObject) throw new DataException(path, $"an object with \"{name}\" wanted");
            while (true)
            {
                if (!Step(out JsonTokenType property, out int begin, out int end, whole: false)) throw new DataException(path, $"no \"{name}\" was found in the file");
                if (property == JsonTokenType.EndObject) throw new DataException(path, $"no \"{name}\" was found in the file");
                bool found = _buffer.AsSpan(begin, end - begin).TrimEnd(": \t\r\n"u8).SequenceEqual(System.Text.Encoding.UTF8.GetBytes($"\"{name}\""));
                if (found) break;
                if (!Step(out _, out _, out _, whole: true)) throw new DataException(path, $"no \"{name}\" was found in the file");
            }

            first = Next();
        }

        if (first != JsonTokenType.StartArray) throw new DataException(path, "something else was found where a list is wanted");
        _inList = true;
    }

    /// <summary>What stands behind the list must be white space, or the rest of the object.</summary>
    private void Finish()
    {
        _done = true;
        while (Step(out _, out _, out _, whole: false))
        {
        }

        if (_entries == 0) throw new DataException(path, "the list is empty, at least one row wanted");
    }

    private JsonTokenType Next() =>
        Step(out JsonTokenType token, out _, out _, whole: false) ? token : throw new DataException(path, "the file is empty, at least one row wanted");

    /// <summary>One token, or (whole) one value with all that is in it: its type and its bytes in the buffer. False at the end of the file.</summary>
    private bool Step(out JsonTokenType token, out int begin, out int end, bool whole)
    {
        while (true)
        {
            var reader = new Utf8JsonReader(_buffer.AsSpan(_start, _end - _start), _ended, _state);
            if (reader.Read())
            {
                token = reader.TokenType;
                int first = (int)reader.TokenStartIndex;
                bool complete = !whole || token is not (JsonTokenType.StartObject or JsonTokenType.StartArray) || reader.TrySkip();
                if (complete)
                {
                    begin = _start + first;
                    _start += (int)reader.BytesConsumed;
                    end = _start;
                    _state = reader.CurrentState;
                    return true;
                }
            }
            else if (_ended)
            {
                (token, begin, end) = (JsonTokenType.None, 0, 0);
                return false;
            }

            if (_end - _start > longestEntry) throw new DataException(path, $"an entry of more than {longestEntry} bytes was found", _entries + 1, unit: "entry");
            Fill();
        }
    }

    private void Fill()
    {
        if (_start > 0)
        {
            Buffer.BlockCopy(_buffer, _start, _buffer, 0, _end - _start);
            _end -= _start;
            _start = 0;
        }

        if (_end == _buffer.Length) Array.Resize(ref _buffer, _buffer.Length * 2);
        int read;
        try
        {
            read = RandomAccess.Read(_file, _buffer.AsSpan(_end), _offset);
        }
        catch (IOException e)
        {
            throw new DataException(path, $"cannot be read ({e.Message.Split('\n')[0].TrimEnd('\r', '.')})", inner: e);
        }

        _offset += read;
        _end += read;
        _ended = read == 0;
    }
}
