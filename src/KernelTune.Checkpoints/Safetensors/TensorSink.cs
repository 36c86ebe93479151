using System.Buffers;

namespace KernelTune.Checkpoints;

/// <summary>Takes the numbers of one tensor, front to back, in pieces of any size, and encodes them in the format that it is saved in.</summary>
public sealed class TensorSink
{
    private const int PieceElements = 1 << 15;

    private readonly Stream _stream;
    private readonly TensorToSave _tensor;
    private long _written;

    internal TensorSink(Stream stream, TensorToSave tensor)
    {
        _stream = stream;
        _tensor = tensor;
    }

    /// <summary>The next float32 numbers, rounded or quantised to the tensor's format; whole blocks, where the format has blocks.</summary>
    public void Write(ReadOnlySpan<float> values)
    {
        var format = _tensor.Format;
        if (!format.CanEncode || values.Length % format.BlockElements != 0)
            throw new ArgumentException(
                $"{values.Length} float32 values cannot be written as {format.Name} (blocks of {format.BlockElements})", nameof(values));
        var buffer = ArrayPool<byte>.Shared.Rent(PieceElements / format.BlockElements * format.BlockBytes);
        try
        {
            while (!values.IsEmpty)
            {
                var piece = values[..Math.Min(values.Length, PieceElements)];
                var bytes = buffer.AsSpan(0, piece.Length / format.BlockElements * format.BlockBytes);
                format.Encode(piece, bytes);
                WriteRaw(bytes);
                values = values[piece.Length..];
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>The next bytes, already in the tensor's format.</summary>
    public void WriteRaw(ReadOnlySpan<byte> bytes)
    {
        _written += bytes.Length;
        if (_written > _tensor.Bytes)
            throw new InvalidOperationException($"tensor {CheckpointException.Quote(_tensor.Name)}: more than its {_tensor.Bytes} bytes were written");
        _stream.Write(bytes);
    }

    internal void Finish()
    {
        if (_written != _tensor.Bytes)
            throw new InvalidOperationException($"tensor {CheckpointException.Quote(_tensor.Name)}: {_written} bytes were written, {_tensor.Bytes} wanted");
    }
}
