using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;

namespace KernelTune.Checkpoints;

/// <summary>A file that is being saved: written from front to back, hashed on the way, flushed to the disk when it is finished.</summary>
internal sealed class SaveStream : Stream
{
    private readonly SafeFileHandle _handle;
    private readonly string _path;
    private readonly SaveSteps _steps;
    private readonly IncrementalHash? _hash;
    private long _length;

    public SaveStream(string path, SaveSteps steps, bool hashed)
    {
        _path = path;
        _steps = steps;
        _handle = steps.CreateFile(path);
        _hash = hashed ? IncrementalHash.CreateHash(HashAlgorithmName.SHA256) : null;
    }

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => _length;

    public override long Position
    {
        get => _length;
        set => throw new NotSupportedException("a save is written from front to back");
    }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        if (buffer.IsEmpty)
            return;
        _steps.Write(_handle, _path, buffer, _length);
        _hash?.AppendData(buffer);
        _length += buffer.Length;
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <summary>Nothing is held back, so there is nothing to do; <see cref="Finish"/> makes it durable.</summary>
    public override void Flush()
    {
    }

    /// <summary>Makes the bytes durable; the SHA-256 of the file in lower-case hex, or empty where none was asked for.</summary>
    public string Finish()
    {
        _steps.Flush(_handle, _path);
        return _hash is null ? "" : Convert.ToHexStringLower(_hash.GetHashAndReset());
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("a save is only written");

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException("a save is written from front to back");

    public override void SetLength(long value) => throw new NotSupportedException("a save is written from front to back");

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _handle.Dispose();
            _hash?.Dispose();
        }

        base.Dispose(disposing);
    }
}
