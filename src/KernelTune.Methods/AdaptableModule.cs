namespace KernelTune.Methods;

/// <summary>What kind of leaf module stands at a path.</summary>
public enum ModuleKind
{
    /// <summary>A weight [out, in].</summary>
    Linear,

    /// <summary>GPT-2's linear layer: a weight [in, out].</summary>
    Conv1D,

    /// <summary>A table [rows, dim]: <see cref="AdaptableModule.InFeatures"/> is the number of rows.</summary>
    Embedding,

    /// <summary>A scale, and perhaps a shift, over the last axis.</summary>
    Norm,

    /// <summary>A kernel [out, in/groups, Kh, Kw].</summary>
    Conv2d,

    Other,
}

/// <summary>One leaf module of a model, as far as methods need to know it before they touch it.</summary>
/// <param name="Path">The module path that PEFT knows: "model.layers.0.self_attn.q_proj".</param>
/// <param name="Kind">What it is.</param>
/// <param name="InFeatures">The input's length; rows of a table; of a norm its length; planes that a convolution reads.</param>
/// <param name="OutFeatures">The output's length; of a norm its length; planes that a convolution gives.</param>
/// <param name="HasBias">Whether it has a bias.</param>
/// <param name="IsOutputHead">Whether it is the model's head over the vocabulary.</param>
/// <param name="KernelHeight">Rows of a convolution's kernel.</param>
/// <param name="KernelWidth">Columns of a convolution's kernel.</param>
/// <param name="Groups">Groups of a convolution.</param>
public readonly record struct AdaptableModule(string Path, ModuleKind Kind, int InFeatures, int OutFeatures, bool HasBias = false, bool IsOutputHead = false,
    int KernelHeight = 1, int KernelWidth = 1, int Groups = 1)
{
    /// <summary>The weight's shape as it is stored.</summary>
    public int[] WeightShape => Kind switch
    {
        ModuleKind.Linear => [OutFeatures, InFeatures],
        ModuleKind.Conv1D or ModuleKind.Embedding => [InFeatures, OutFeatures],
        ModuleKind.Conv2d => [OutFeatures, InFeatures / Groups, KernelHeight, KernelWidth],
        _ => [OutFeatures],
    };
}
