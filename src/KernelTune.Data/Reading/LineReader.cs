using System.Text;
using System.Text.Unicode;
using Microsoft.Win32.SafeHandles;

namespace KernelTune.Data.Reading;

/// <summary>A line without its end; Problem says why its bytes cannot be used, Column where (code points, from 1).</summary>
internal readonly record struct Line(long Number, ReadOnlyMemory<byte> Bytes, string? Problem, int Column)
{
    /// <summary>Nothing on it but spaces.</summary>
    public bool IsBlank => Problem is null && Bytes.Span.IndexOfAnyExcept((byte)' ', (byte)'\t', (byte)'\r') < 0;
}

/// <summary>
/// Lines of a UTF-8 file, ended by LF or CRLF, the last one also by the end of the file; a byte-order mark at its start is dropped. Memory holds one line
/// and never more than <paramref name="longestLine"/> bytes of it. Bytes that are not UTF-8 are a problem of their line, never replaced.
/// </summary>
internal sealed class LineReader(string path, int longestLine) : IDisposable
{
    private const int FirstBuffer = 1 << 16;

    private readonly SafeFileHandle _file = RegularFile.Open(path);
    private byte[] _buffer = new byte[FirstBuffer];
    private int _start;
    private int _end;
    private long _offset;
    private long _number;
    private bool _ended;

    /// <summary>The next line, valid until the one after it is read; false at the end of the file.</summary>
    /// <exception cref="DataException">The file cannot be read.</exception>
    public bool TryRead(out Line line)
    {
        int scanned = 0;
        bool tooLong = false;
        while (true)
        {
            int newline = _buffer.AsSpan(_start + scanned, _end - _start - scanned).IndexOf((byte)'\n');
            if (newline >= 0 || (_ended && (_end > _start || tooLong)))
            {
                int length = newline >= 0 ? scanned + newline : _end - _start;
                ReadOnlyMemory<byte> bytes = _buffer.AsMemory(_start, length);
                _start = newline >= 0 ? _start + length + 1 : _end;
                line = Finish(bytes, tooLong || length > longestLine);
                return true;
            }

            if (_ended)
            {
                line = default;
                return false;
            }

            scanned = _end - _start;
            if (scanned > longestLine)
            {
                tooLong = true;
                _start = _end = scanned = 0;
            }

            Fill();
        }
    }

    public void Dispose() => _file.Dispose();

    private Line Finish(ReadOnlyMemory<byte> bytes, bool tooLong)
    {
        _number++;
        if (tooLong) return new Line(_number, default, $"a line of more than {longestLine} bytes was found", 0);
        if (_number == 1 && bytes.Span.StartsWith("\uFEFF"u8)) bytes = bytes[3..];
        if (bytes.Span.EndsWith("\r"u8)) bytes = bytes[..^1];
        if (Utf8.IsValid(bytes.Span)) return new Line(_number, bytes, null, 0);
        (int column, byte wrong) = FirstInvalid(bytes.Span);
        return new Line(_number, default, $"byte 0x{wrong:X2} was found, UTF-8 wanted", column);
    }

    private static (int Column, byte Wrong) FirstInvalid(ReadOnlySpan<byte> bytes)
    {
        int at = 0, column = 1;
        while (Rune.DecodeFromUtf8(bytes[at..], out _, out int used) == System.Buffers.OperationStatus.Done)
        {
            at += used;
            column++;
        }

        return (column, bytes[at]);
    }

    private void Fill()
    {
        if (_start > 0)
        {
            Buffer.BlockCopy(_buffer, _start, _buffer, 0, _end - _start);
            _end -= _start;
            _start = 0;
        }

        if (_end == _buffer.Length) Array.Resize(ref _buffer, (int)Math.Min(2L * _buffer.Length, Math.Max((long)longestLine + 2, FirstBuffer)));
        int read;
        try
        {
            read = RandomAccess.Read(_file, _buffer.AsSpan(_end), _offset);
        }
        catch (IOException e)
        {
            throw new DataException(path, $"cannot be read ({e.Message.Split('\n')[0].TrimEnd('\r', '.')})", _number + 1, inner: e);
        }

        _offset += read;
        _end += read;
        _ended = read == 0;
    }
}
