using System.Buffers.Binary;
using System.Text;

namespace KernelTune.Checkpoints;

/// <summary>Reads the front of a GGUF file from byte to byte, through a buffer; nothing is allocated that the rest of the file could not fill.</summary>
internal sealed class GgufCursor(SourceFile file)
{
    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    private readonly byte[] _buffer = new byte[1 << 16];
    private long _bufferStart;
    private int _buffered;

    public long Position { get; private set; }

    public long Remaining => file.Length - Position;

    public CheckpointException Bad(string problem, long? at = null, string? tensor = null, Exception? inner = null) =>
        new(file.Path, problem, at ?? Position, tensor, inner);

    public byte U8(string what) => Next(1, what)[0];

    public ushort U16(string what) => BinaryPrimitives.ReadUInt16LittleEndian(Next(2, what));

    public uint U32(string what) => BinaryPrimitives.ReadUInt32LittleEndian(Next(4, what));

    public ulong U64(string what) => BinaryPrimitives.ReadUInt64LittleEndian(Next(8, what));

    /// <summary>A count of things that take at least <paramref name="least"/> bytes each in what is left of the file.</summary>
    public long Count(string what, int least)
    {
        var at = Position;
        var count = U64(what);
        if (count > (ulong)(Remaining / least))
            throw Bad($"{what} is {count}, the {Remaining} bytes that follow hold at most {Remaining / least}", at);
        return (long)count;
    }

    /// <summary>u64 length, then UTF-8.</summary>
    public string Text(string what)
    {
        var at = Position;
        var length = (int)Math.Min(Count("the length of " + what, 1), int.MaxValue);
        if (length > Array.MaxLength / 2)
            throw Bad($"{what} has {length} bytes, at most {Array.MaxLength / 2} wanted", at);
        try
        {
            return length <= _buffer.Length ? Strict.GetString(Next(length, what)) : Strict.GetString(Long(length, what));
        }
        catch (DecoderFallbackException e)
        {
            throw Bad($"{what} is not UTF-8", at + 8, inner: e);
        }
    }

    /// <summary>Fills <paramref name="into"/> with the next bytes.</summary>
    public void Bytes(Span<byte> into, string what)
    {
        if (into.Length > Remaining)
            throw Bad($"{what} takes {into.Length} bytes, {Remaining} follow");
        file.ReadExactly(Position, into);
        Position += into.Length;
    }

    private byte[] Long(int length, string what)
    {
        var bytes = new byte[length];
        Bytes(bytes, what);
        return bytes;
    }

    private ReadOnlySpan<byte> Next(int count, string what)
    {
        if (count > Remaining)
            throw Bad($"{what} takes {count} bytes, {Remaining} follow");
        if (Position < _bufferStart || Position + count > _bufferStart + _buffered)
        {
            _bufferStart = Position;
            _buffered = (int)Math.Min(_buffer.Length, Remaining);
            file.ReadExactly(Position, _buffer.AsSpan(0, _buffered));
        }

        var span = _buffer.AsSpan((int)(Position - _bufferStart), count);
        Position += count;
        return span;
    }
}
