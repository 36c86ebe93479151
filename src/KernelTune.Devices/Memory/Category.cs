namespace KernelTune.Devices.Memory;

/// <summary>What a block of memory is for. Every byte of a device belongs to one of these.</summary>
public enum Category : byte
{
    Weights,
    QuantizedWeights,
    PackedCopies,
    Adapters,
    Gradients,
    OptimizerState,
    Activations,
    Workspace,
    KvCache,
    Batches,
    ReferenceWeights,
    PoolSlack,
}

/// <summary>The part of a step that memory and time are booked under.</summary>
public enum Phase : byte
{
    Load,
    Forward,
    Backward,
    Optimizer,
    Evaluation,
    Generation,
}

/// <summary>Facts about the ledger's categories.</summary>
public static class Categories
{
    /// <summary>The number of categories.</summary>
    public const int Count = (int)Category.PoolSlack + 1;

    /// <summary>The category's name as tables print it.</summary>
    public static string Label(this Category category) => category switch
    {
        Category.Weights => "weights",
        Category.QuantizedWeights => "quantised weights",
        Category.PackedCopies => "packed copies",
        Category.Adapters => "adapters",
        Category.Gradients => "gradients",
        Category.OptimizerState => "optimizer state",
        Category.Activations => "activations",
        Category.Workspace => "workspace",
        Category.KvCache => "KV cache",
        Category.Batches => "batches",
        Category.ReferenceWeights => "reference and EMA weights",
        _ => "pool slack",
    };

    /// <summary>True for memory that outlives a step: it lies in segments of its own, so that a step's blocks do not fragment it.</summary>
    internal static bool IsLasting(this Category category) => category is Category.Weights or Category.QuantizedWeights or Category.PackedCopies
        or Category.Adapters or Category.Gradients or Category.OptimizerState or Category.KvCache or Category.ReferenceWeights;
}
