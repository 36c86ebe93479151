using System.Buffers.Binary;
using System.Collections;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace KernelTune.Data;

/// <summary>
/// Rows of tokens, in memory as long as they are few; beyond <paramref name="memory"/> bytes the further ones go to a temporary file, and what stays in memory is where each of them
/// begins. The file has no name once it is open (on Windows it goes when it is closed), so that nothing is left behind. Rows are added first and read after that, by one thread or several.
/// </summary>
/// <param name="memory">Bytes of tokens and labels that are kept in memory.</param>
internal sealed class RowStore(long memory) : IReadOnlyList<TokenRow>
{
    private const int HeadBytes = 20;
    private const int WriteBuffer = 1 << 20;

    private readonly List<TokenRow> _held = [];
    private readonly List<long> _places = [];       // of the rows in the file
    private long _heldBytes;
    private SafeFileHandle? _file;
    private byte[] _pending = [];
    private int _pendingBytes;
    private long _written;

    public int Count => _held.Count + _places.Count;

    /// <summary>Bytes that are in the file.</summary>
    public long Spilled => _written + _pendingBytes;

    public TokenRow this[int index]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)Count, nameof(index));
            return index < _held.Count ? _held[index] : Read(_places[index - _held.Count]);
        }
    }

    /// <exception cref="IOException">The temporary file cannot be written.</exception>
    public void Add(TokenRow row)
    {
        long bytes = Bytes(row);
        if (_places.Count == 0 && _heldBytes + bytes <= memory)
        {
            _held.Add(row);
            _heldBytes += bytes;
            return;
        }

        if (_file is null)
        {
            string path = Path.Combine(Path.GetTempPath(), $"kerneltune-rows-{Guid.NewGuid():N}");
            _file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.Read | FileShare.Delete, OperatingSystem.IsWindows() ? FileOptions.DeleteOnClose : FileOptions.None);
            if (!OperatingSystem.IsWindows()) File.Delete(path);
            _pending = new byte[WriteBuffer];
        }

        _places.Add(Spilled);
        Span<byte> head = stackalloc byte[HeadBytes];
        BinaryPrimitives.WriteInt64LittleEndian(head, row.Line);
        BinaryPrimitives.WriteInt32LittleEndian(head[8..], row.Ids.Length);
        BinaryPrimitives.WriteInt32LittleEndian(head[12..], row.SequenceLengths?.Length ?? -1);
        BinaryPrimitives.WriteInt32LittleEndian(head[16..], row.Source?.Length ?? -1);
        Append(head);
        Append(MemoryMarshal.AsBytes<int>(row.Ids));
        Append(MemoryMarshal.AsBytes<int>(row.Labels));
        if (row.SequenceLengths is { } lengths) Append(MemoryMarshal.AsBytes<int>(lengths));
        if (row.Source is { } source) Append(MemoryMarshal.AsBytes<int>(source));
    }

    public IEnumerator<TokenRow> GetEnumerator()
    {
        for (int i = 0; i < Count; i++) yield return this[i];
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private static long Bytes(TokenRow row) => HeadBytes + (4L * (row.Ids.Length + row.Labels.Length + (row.SequenceLengths?.Length ?? 0) + (row.Source?.Length ?? 0)));

    private void Append(ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            if (_pendingBytes == _pending.Length) Flush();
            int some = Math.Min(bytes.Length, _pending.Length - _pendingBytes);
            bytes[..some].CopyTo(_pending.AsSpan(_pendingBytes));
            _pendingBytes += some;
            bytes = bytes[some..];
        }
    }

    private void Flush()
    {
        RandomAccess.Write(_file!, _pending.AsSpan(0, _pendingBytes), _written);
        _written += _pendingBytes;
        _pendingBytes = 0;
    }

    private TokenRow Read(long place)
    {
        if (_pendingBytes > 0)
        {
            lock (_places)
            {
                if (_pendingBytes > 0) Flush();
            }
        }

        Span<byte> head = stackalloc byte[HeadBytes];
        Fill(head, place);
        int length = BinaryPrimitives.ReadInt32LittleEndian(head[8..]), sequences = BinaryPrimitives.ReadInt32LittleEndian(head[12..]);
        int read = BinaryPrimitives.ReadInt32LittleEndian(head[16..]);
        place += HeadBytes;
        int[] ids = Next(length), labels = Next(length);
        int[]? lengths = sequences < 0 ? null : Next(sequences), source = read < 0 ? null : Next(read);
        return new TokenRow(BinaryPrimitives.ReadInt64LittleEndian(head), ids, labels, lengths) { Source = source };

        int[] Next(int count)
        {
            var numbers = new int[count];
            Fill(MemoryMarshal.AsBytes(numbers.AsSpan()), place);
            place += 4L * count;
            return numbers;
        }
    }

    private void Fill(Span<byte> into, long place)
    {
        while (into.Length > 0)
        {
            int read = RandomAccess.Read(_file!, into, place);
            if (read == 0) throw new IOException("the temporary file of rows ends too early");
            into = into[read..];
            place += read;
        }
    }
}

/// <summary>Some rows of a list, in an order of their own; a row may come several times.</summary>
internal sealed class RowSelection(IReadOnlyList<TokenRow> rows, int[] chosen) : IReadOnlyList<TokenRow>
{
    public int Count => chosen.Length;

    public TokenRow this[int index] => rows[chosen[index]];

    public IEnumerator<TokenRow> GetEnumerator() => chosen.Select(i => rows[i]).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
