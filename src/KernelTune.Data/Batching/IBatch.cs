namespace KernelTune.Data;

/// <summary>A micro-batch of any kind, as the training loop sees it: how much of it there is. What is in it, only the run's task knows.</summary>
public interface IBatch
{
    /// <summary>Examples, or rows of packed ones.</summary>
    int Rows { get; }

    /// <summary>What throughput counts: tokens that are not padding, or pictures.</summary>
    int Items { get; }

    /// <summary>Labels that carry loss: the loss of a step is the mean over them all.</summary>
    int LabelCount { get; }

    /// <summary>True for the last batch of an epoch.</summary>
    bool EndsEpoch { get; }
}

/// <summary>
/// An endless stream of micro-batches, epoch after epoch. Its order depends on the seed and the epoch alone, so a state that was saved continues with exactly the batches that
/// would have followed.
/// </summary>
public interface IBatchStream
{
    /// <summary>Where the stream stands; saved with a checkpoint.</summary>
    BatchState State { get; }

    int BatchesPerEpoch { get; }

    /// <summary>The next micro-batch.</summary>
    IBatch Next();

    /// <summary>Continues from a state that was saved.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The state is not one of this stream.</exception>
    void Restore(BatchState state);

    /// <summary>The micro-batch that needs the most memory.</summary>
    IBatch Largest();
}

/// <summary>Examples that are looked at and not learned from: validation and test.</summary>
public interface IEvaluationData
{
    /// <summary>How many examples.</summary>
    int Count { get; }

    /// <summary>All of them once, in order.</summary>
    IEnumerable<IBatch> Batches(int batchSize);

    /// <summary>The batch that needs the most memory.</summary>
    IBatch Largest(int batchSize);
}

/// <summary>What a run trains and validates on, ready to be batched.</summary>
public interface ITrainingData
{
    /// <summary>Examples, or rows of packed ones, in an epoch.</summary>
    int Count { get; }

    /// <summary>What is in it beyond the count, in a few words: "5 classes of 60 pictures"; empty: nothing to say.</summary>
    string Contents { get; }

    /// <summary>SHA-256 over the examples, hexadecimal: a run that is resumed must find the same.</summary>
    string Fingerprint { get; }

    /// <summary>Null where the recipe asks for no validation.</summary>
    IEvaluationData? Validation { get; }

    /// <summary>What the files were found to be, and what their rows are like, a sentence each; empty: nothing to say.</summary>
    IReadOnlyList<string> Account => [];

    /// <summary>What is to be known of the data; null: no report is made of it.</summary>
    DataReport? Report => null;

    /// <summary>What a user should know of the files: rows that were left out, or cut. One sentence each.</summary>
    IReadOnlyList<string> Notes { get; }

    /// <summary>The stream of training batches, at its beginning.</summary>
    /// <param name="batchSize">Examples a micro-batch; null: as many as were asked for when the data was read.</param>
    IBatchStream Batches(int? batchSize = null);
}
