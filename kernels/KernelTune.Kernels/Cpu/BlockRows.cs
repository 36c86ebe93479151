using KernelTune.Kernels.Numerics;

namespace KernelTune.Kernels.Cpu;

/// <summary>Decodes a storage format that keeps numbers in blocks of a fixed size, such as GGUF's.</summary>
public interface IBlockDecoder
{
    /// <summary>Numbers a block.</summary>
    int BlockElements { get; }

    /// <summary>Bytes a block.</summary>
    int BlockBytes { get; }

    /// <summary>The float32 values of whole blocks.</summary>
    void Decode(ReadOnlySpan<byte> from, Span<float> into);
}

/// <summary>A weight W [N, K] kept as a file stores it: rows of blocks, decoded 32 rows at a time and transposed in cache while a panel is packed.</summary>
/// <param name="data">[N, K / block] blocks.</param>
/// <param name="n">Rows of W.</param>
/// <param name="k">Columns, a whole number of blocks.</param>
/// <param name="decoder">The format.</param>
public readonly unsafe struct BlockRows(byte* data, int n, int k, IBlockDecoder decoder) : IPanelSource
{
    private const int Width = MatMulTile.Columns;

    // Columns that are decoded at once: the largest block, and 32 rows of it stay in the first-level cache.
    private const int Columns = 256;

    public float* Slice(int panel, int k0) => null;

    public bool TryMultiply(InstructionSet set, int panel, int k0, int count, float* x, float* to, bool add) => false;

    public void DecodeRow(int row, float* to)
    {
        var bytes = k / decoder.BlockElements * decoder.BlockBytes;
        decoder.Decode(new ReadOnlySpan<byte>(data + (nint)row * bytes, bytes), new Span<float>(to, k));
    }

    [System.Runtime.CompilerServices.SkipLocalsInit]
    public void Decode(InstructionSet set, int panel, int k0, int count, float* to)
    {
        var numbers = stackalloc float[Width * Columns];
        int block = decoder.BlockElements, rows = Math.Min(Width, n - panel * Width);
        var rowBytes = (nint)k / block * decoder.BlockBytes;
        var from = data + panel * Width * rowBytes;
        for (var at = k0; at < k0 + count;)
        {
            var begin = at / block * block;
            var end = Math.Min(begin + Columns, (k0 + count + block - 1) / block * block);
            for (var r = 0; r < rows; r++)
                decoder.Decode(new ReadOnlySpan<byte>(from + r * rowBytes + begin / block * decoder.BlockBytes, (end - begin) / block * decoder.BlockBytes), new Span<float>(numbers + r * Columns, end - begin));
            var some = Math.Min(end, k0 + count) - at;
            PackingTranspose.Run(set, numbers + (at - begin), Columns, rows, some, to, Width);
            if (rows < Width)
                for (var i = 0; i < some; i++)
                    new Span<float>(to + i * Width + rows, Width - rows).Clear();
            at += some;
            to += some * Width;
        }
    }
}
