using KernelTune.Kernels.Numerics;

namespace KernelTune.Kernels.Cpu;

/// <summary>A frozen weight W [N, K] in panels or in storage of its own (16-bit, 4-bit codes, GGUF blocks): it is asked to decode a slice of a panel while it is packed, and a row for a look-up.</summary>
public unsafe interface IPanelSource
{
    /// <summary>to[(k − k0)·32 + i] = W[32·panel + i, k] for k in [k0, k0 + count); rows beyond N are zeros.</summary>
    void Decode(InstructionSet set, int panel, int k0, int count, float* to);

    /// <summary>to[k] = W[row, k], all K of them.</summary>
    void DecodeRow(int row, float* to);

    /// <summary>What <see cref="Decode"/> would write from k0 on, where it lies so already; null: it does not.</summary>
    float* Slice(int panel, int k0);

    /// <summary>
    /// to[i] = (to[i] +) Σ x[k − k0]·W[32·panel + i, k] for k in [k0, k0 + count), one FMA chain over k from zero, 32 of them: the bits of decoding first. False: there is no such way with this
    /// instruction set, and nothing was done.
    /// </summary>
    bool TryMultiply(InstructionSet set, int panel, int k0, int count, float* x, float* to, bool add);
}

/// <summary>A packed fp32 weight: its panels are read where they lie.</summary>
/// <param name="data">The panels.</param>
/// <param name="k">Columns of W.</param>
internal readonly unsafe struct FloatPanels(float* data, int k) : IPanelSource
{
    public void Decode(InstructionSet set, int panel, int k0, int count, float* to) =>
        new Span<float>(Slice(panel, k0), count * MatMulTile.Columns).CopyTo(new Span<float>(to, count * MatMulTile.Columns));

    public void DecodeRow(int row, float* to) => PackedWeight.GatherRow(data, k, row, to);

    public float* Slice(int panel, int k0) => data + ((nint)panel * k + k0) * MatMulTile.Columns;

    public bool TryMultiply(InstructionSet set, int panel, int k0, int count, float* x, float* to, bool add) => false;
}

/// <summary>Wᵀ as the right operand: a slice is decoded as it stands.</summary>
internal readonly unsafe struct DecodedRight<TSource>(TSource source) : IRightOperand
    where TSource : struct, IPanelSource
{
    public static bool IsPacked => false;

    public float* Panel(int panel, int k0) => null;

    public void Pack(InstructionSet set, int panel, int k0, int count, float* to) => source.Decode(set, panel, k0, count, to);
}

/// <summary>W [K, N] itself as the right operand, for dX = dY·W: its panels hold 32 of our k each; 32 × 32 at a time are decoded and transposed in cache.</summary>
internal readonly unsafe struct DecodedRowsRight<TSource>(TSource source, int n) : IRightOperand
    where TSource : struct, IPanelSource
{
    public static bool IsPacked => false;

    public float* Panel(int panel, int k0) => null;

    [System.Runtime.CompilerServices.SkipLocalsInit]
    public void Pack(InstructionSet set, int panel, int k0, int count, float* to)
    {
        const int Width = MatMulTile.Columns;
        var square = stackalloc float[Width * Width];
        var first = panel * Width;
        var columns = Math.Min(Width, n - first);
        for (var k = k0; k < k0 + count;)
        {
            var lane = k % Width;
            var height = Math.Min(Width - lane, k0 + count - k);
            source.Decode(set, k / Width, first, columns, square);
            PackingTranspose.Run(set, square + lane, Width, columns, height, to, Width);
            if (columns < Width)
                for (var i = 0; i < height; i++)
                    new Span<float>(to + i * Width + columns, Width - columns).Clear();
            to += height * Width;
            k += height;
        }
    }
}
