namespace KernelTune.Checkpoints;

/// <summary>
/// Weights by name, wherever they lie: a safetensors file, a sharded folder, a GGUF file. Nothing is kept in memory but the directory;
/// every read goes to the file. Reads may run on several threads at once.
/// </summary>
public interface IWeightSource : IDisposable
{
    /// <summary>The file or folder, for messages.</summary>
    string Location { get; }

    /// <summary>The files that hold the weights, so that nothing is saved over its own source.</summary>
    IReadOnlyList<string> Files { get; }

    /// <summary>The format that holds most of the elements: "BF16", "F32", "Q4_1" …</summary>
    string NativeDType { get; }

    /// <summary>All names, in the order of the source.</summary>
    IReadOnlyList<string> Names { get; }

    /// <summary>What is known of <paramref name="name"/>; false where the source has no such weight.</summary>
    bool TryGet(string name, out WeightInfo info);

    /// <summary>The whole weight in float32, row by row; <paramref name="into"/> has exactly its number of elements.</summary>
    /// <exception cref="CheckpointException">No such weight, a format that holds no real numbers, a file that ended early.</exception>
    void ReadF32(string name, Span<float> into);

    /// <summary>Rows [<paramref name="rowStart"/>, rowStart + <paramref name="rowCount"/>) in float32; a row is all that follows the first dimension.</summary>
    /// <exception cref="CheckpointException">As <see cref="ReadF32"/>, or rows that the weight does not have.</exception>
    void ReadF32Rows(string name, long rowStart, long rowCount, Span<float> into);

    /// <summary>The bytes of the weight as its format stores them, rows in the order of its shape.</summary>
    void ReadRaw(string name, Span<byte> into);

    /// <summary>The bytes of some rows, as their format stores them.</summary>
    void ReadRawRows(string name, long rowStart, long rowCount, Span<byte> into);
}
