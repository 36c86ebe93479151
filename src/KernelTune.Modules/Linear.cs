using KernelTune.Autograd;
using KernelTune.Autograd.Ops;
using KernelTune.Devices;

namespace KernelTune.Modules;

/// <summary>y = x·Wᵀ + bias. x: [..., in]; y: [..., out]. The weight is stored [out, in], or [in, out] in GPT-2's Conv1D.</summary>
public sealed class Linear : Module<Tensor, Tensor>
{
    /// <param name="path">Module path.</param>
    /// <param name="inFeatures">Length of the last axis of x.</param>
    /// <param name="outFeatures">Length of the last axis of y.</param>
    /// <param name="bias">Whether there is a bias [out].</param>
    /// <param name="conv1D">Whether the weight is stored [in, out].</param>
    /// <param name="tied">A table that is the weight too (a tied head).</param>
    /// <param name="isOutputHead">Whether it gives the model's logits.</param>
    public Linear(string path, int inFeatures, int outFeatures, bool bias = false, bool conv1D = false, Parameter? tied = null, bool isOutputHead = false)
        : base(path)
    {
        (InFeatures, OutFeatures, IsConv1D, IsOutputHead) = (inFeatures, outFeatures, conv1D, isOutputHead);
        Weight = tied is null
            ? Own("weight", conv1D ? new Shape(inFeatures, outFeatures) : new Shape(outFeatures, inFeatures), packable: true, transposed: conv1D)
            : Share(tied);
        Bias = bias ? Own("bias", new Shape(outFeatures)) : null;
    }

    public int InFeatures { get; }

    public int OutFeatures { get; }

    public bool IsConv1D { get; }

    public bool IsOutputHead { get; }

    public Parameter Weight { get; }

    public Parameter? Bias { get; }

    public override Tensor Forward(in Tensor x) => LinearOp.Apply(x, Weight, Bias);
}

/// <summary>Projections of one input, called as a group.</summary>
public static class Linears
{
    /// <summary>The outputs of two projections of x.</summary>
    public static (Tensor First, Tensor Second) Apply(Tensor x, Module<Tensor, Tensor> first, Module<Tensor, Tensor> second) => (first.Call(x), second.Call(x));

    /// <summary>The outputs of three projections of x.</summary>
    public static (Tensor First, Tensor Second, Tensor Third) Apply(Tensor x, Module<Tensor, Tensor> first, Module<Tensor, Tensor> second, Module<Tensor, Tensor> third) =>
        (first.Call(x), second.Call(x), third.Call(x));
}
