namespace KernelTune.Kernels.Cpu;

/// <summary>Extents and settings of attention: what decides workspace and the order of sums.</summary>
public readonly record struct AttentionShape
{
    /// <summary>Examples; 1 when sequences are packed.</summary>
    public required int Batch { get; init; }

    /// <summary>Query rows of an example; of all sequences together when they are packed.</summary>
    public required int Queries { get; init; }

    /// <summary>Key rows, likewise.</summary>
    public required int Keys { get; init; }

    /// <summary>Query heads; head h reads key head h / (Heads / KeyHeads).</summary>
    public required int Heads { get; init; }

    /// <summary>Key and value heads; divides Heads.</summary>
    public required int KeyHeads { get; init; }

    /// <summary>Channels of a query and a key.</summary>
    public required int Width { get; init; }

    /// <summary>Channels of a value and of the output.</summary>
    public required int ValueWidth { get; init; }

    /// <summary>Multiplies q·k.</summary>
    public required float Scale { get; init; }

    /// <summary>c &gt; 0: scores become c·tanh(score / c); 0: none.</summary>
    public float Softcap { get; init; }

    /// <summary>
    /// False: the distance of key j from query i is j − (i + keys − queries), so that the last query stands at the last key. True: j − i.
    /// </summary>
    public bool TopLeft { get; init; }

    /// <summary>The least distance that is visible: −left of a window.</summary>
    public long Earliest { get; init; } = long.MinValue;

    /// <summary>The greatest: 0 when causal, right of a window.</summary>
    public long Latest { get; init; } = long.MaxValue;

    /// <summary>Sequences laid end to end; 0: none are packed, each example is one.</summary>
    public int Sequences { get; init; }

    public AttentionShape()
    {
    }

    internal int Group => Heads / KeyHeads;

    internal int Segments => Sequences > 0 ? Sequences : Batch;
}

/// <summary>Elements between examples, between rows and between heads; the channels of a head are neighbours.</summary>
public readonly record struct AttentionStride(nint Batch, nint Row, nint Head);

/// <summary>Elements between examples, heads, query rows and keys of an operand that broadcasts to [B, H, Tq, Tk]; 0 repeats.</summary>
public readonly record struct AttentionScoreStride(nint Batch, nint Head, nint Row, nint Key);

/// <summary>The operands of attention in memory; T is float on the CPU's kernels and double on the reference.</summary>
public unsafe struct AttentionArgs<T> where T : unmanaged
{
    /// <summary>Extents and settings.</summary>
    public AttentionShape Shape;

    /// <summary>Inputs, and the output Y [.., ValueWidth].</summary>
    public T* Q, K, V, Y;

    /// <summary>Where their rows lie.</summary>
    public AttentionStride QStride, KStride, VStride, YStride;

    /// <summary>[B, H, Tq] dense: the natural log of each row's denominator; −∞ where it sees nothing.</summary>
    public T* Lse;

    /// <summary>[B, Tk] or null: 0 hides a key.</summary>
    public long* KeyMask;

    /// <summary>Between examples of <see cref="KeyMask"/>.</summary>
    public nint KeyMaskStride;

    /// <summary>Broadcasts to [B, H, Tq, Tk], or null: 0 hides a pair.</summary>
    public long* Mask;

    /// <summary>Of <see cref="Mask"/>.</summary>
    public AttentionScoreStride MaskStride;

    /// <summary>Broadcasts to [B, H, Tq, Tk], or null: added to the scores.</summary>
    public T* Bias;

    /// <summary>Of <see cref="Bias"/>.</summary>
    public AttentionScoreStride BiasStride;

    /// <summary>[H] or null: ALiBi adds slope·distance.</summary>
    public T* Slopes;

    /// <summary>[H] or null: e^sink joins the denominator.</summary>
    public T* Sinks;

    /// <summary>[Sequences + 1]: where packed sequences begin among queries and keys.</summary>
    public long* StartsQ, StartsK;

    /// <summary>One example, or one packed sequence.</summary>
    internal readonly AttentionSegment Segment(int index)
    {
        if (Shape.Sequences == 0)
            return new(index, 0, 0, Shape.Queries, Shape.Keys, Shape.TopLeft ? 0 : Shape.Keys - Shape.Queries);
        int q = (int)StartsQ[index], k = (int)StartsK[index];
        int queries = (int)StartsQ[index + 1] - q, keys = (int)StartsK[index + 1] - k;
        return new(0, q, k, queries, keys, Shape.TopLeft ? 0 : keys - queries);
    }
}

/// <summary>The operands of attention's gradient. Each of DQ, DK, DV may be null; they are overwritten, or added to where asked for.</summary>
public unsafe struct AttentionGradArgs<T> where T : unmanaged
{
    /// <summary>The forward's operands, with its Y and Lse.</summary>
    public AttentionArgs<T> Forward;

    /// <summary>The cotangent of Y.</summary>
    public T* DY;

    /// <summary>The gradients.</summary>
    public T* DQ, DK, DV;

    /// <summary>Where their rows lie.</summary>
    public AttentionStride DYStride, DQStride, DKStride, DVStride;

    /// <summary>True: the gradient is added to what is there.</summary>
    public bool AddQ, AddK, AddV;

    /// <summary>[H] or null: the sinks' gradient, overwritten.</summary>
    public T* DSinks;
}

/// <summary>Rows that see each other: where they begin, how many they are, and how far queries are shifted among the keys.</summary>
internal readonly record struct AttentionSegment(int Batch, int FirstQuery, int FirstKey, int Queries, int Keys, int Shift);
