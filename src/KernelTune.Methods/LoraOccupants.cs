using KernelTune.Autograd;
using KernelTune.Autograd.Ops;
using KernelTune.Devices;
using KernelTune.Devices.Memory;
using KernelTune.Kernels.Elementwise;
using KernelTune.Modules;

namespace KernelTune.Methods;

/// <summary>The two factors that LoRA puts at one site, and where they go when it is merged.</summary>
internal interface ILoraOccupant
{
    LoraSite Site { get; }

    /// <summary>[r, in], or [r, rows] of a table, or [r, in, Kh, Kw].</summary>
    Parameter A { get; }

    /// <summary>[out, r], or [out, r/groups, 1, 1].</summary>
    Parameter B { get; }

    /// <summary>The weight of the base that they change.</summary>
    Parameter Base { get; }
}

/// <summary>LoRA at a linear layer (Hu et al., 2021): y = W₀x + b + s·B(A·drop(x)), W₀ frozen.</summary>
internal sealed class LoraLinear : IOccupant<Tensor, Tensor>, ILoraOccupant
{
    private readonly Linear linear;
    private readonly double dropout;

    public LoraLinear(Linear linear, LoraSite site, double dropout)
    {
        (this.linear, Site, this.dropout) = (linear, site, dropout);
        A = new Parameter($"{linear.Path}.lora_A.weight", new Shape(site.Rank, linear.InFeatures), Category.Adapters) { Trainable = true };
        B = new Parameter($"{linear.Path}.lora_B.weight", new Shape(linear.OutFeatures, site.Rank), Category.Adapters) { Trainable = true };
    }

    public LoraSite Site { get; }

    public Parameter A { get; }

    public Parameter B { get; }

    public Parameter Base => linear.Weight;

    public IReadOnlyList<Parameter> Parameters => [A, B];

    public Tensor Forward(Module<Tensor, Tensor> site, in Tensor x) =>
        LoraLinearOp.Apply(x, linear.Weight, linear.Bias, A, B, (float)Site.Scale, dropout);
}

/// <summary>LoRA at a table: y = table[ids] + s·(A[:, ids])ᵀBᵀ. A: [r, rows]; B: [dim, r]. PEFT drops nothing here.</summary>
internal sealed class LoraEmbedding : IOccupant<Tensor, Tensor>, ILoraOccupant
{
    private readonly Embedding table;

    public LoraEmbedding(Embedding table, LoraSite site)
    {
        (this.table, Site) = (table, site);
        A = new Parameter($"{table.Path}.lora_embedding_A", new Shape(site.Rank, table.Rows), Category.Adapters) { Trainable = true, IsTransposed = true };
        B = new Parameter($"{table.Path}.lora_embedding_B", new Shape(table.Dim, site.Rank), Category.Adapters) { Trainable = true };
    }

    public LoraSite Site { get; }

    public Parameter A { get; }

    public Parameter B { get; }

    public Parameter Base => table.Weight;

    public IReadOnlyList<Parameter> Parameters => [A, B];

    public Tensor Forward(Module<Tensor, Tensor> site, in Tensor x)
    {
        var rows = EmbeddingOp.Apply(A, x, table.PaddingIndex);
        var delta = Unary.Apply<Scale, ScaleParams>(LinearOp.Apply(rows, B, null), new ScaleParams(Site.Scale));
        return Binary.Apply<Add>(site.Forward(x), delta);
    }
}

/// <summary>
/// LoRA at a convolution, as PEFT puts it there: y = W₀∗x + b + s·B∗(A∗drop(x)). A: [r, in, Kh, Kw], with the layer's stride, padding and dilation, over all planes whatever the groups;
/// B: [out, r/groups, 1, 1] in the layer's groups. With one group it merges: ΔW = s·B·A over the flattened kernels.
/// </summary>
internal sealed class LoraConv2d : IOccupant<Tensor, Tensor>, ILoraOccupant
{
    private readonly Conv2d convolution;
    private readonly Conv2dGeometry down, up;
    private readonly double dropout;

    public LoraConv2d(Conv2d convolution, LoraSite site, double dropout)
    {
        (this.convolution, Site, this.dropout) = (convolution, site, dropout);
        int groups = convolution.Geometry.Groups;
        (down, up) = (convolution.Geometry with { Groups = 1 }, new Conv2dGeometry { Groups = groups });
        A = new Parameter($"{convolution.Path}.lora_A.weight", new Shape(site.Rank, convolution.InChannels, convolution.Kernel.Height, convolution.Kernel.Width), Category.Adapters) { Trainable = true };
        B = new Parameter($"{convolution.Path}.lora_B.weight", new Shape(convolution.OutChannels, site.Rank / groups, 1, 1), Category.Adapters) { Trainable = true };
    }

    public LoraSite Site { get; }

    public Parameter A { get; }

    public Parameter B { get; }

    public Parameter Base => convolution.Weight;

    public IReadOnlyList<Parameter> Parameters => [A, B];

    public Tensor Forward(Module<Tensor, Tensor> site, in Tensor x)
    {
        // The scale goes on the r planes between, which are fewer than those of y.
        var inner = Conv2dOp.Apply(Dropout.Apply(x, dropout, "lora"), A.Value, null, down);
        var delta = Conv2dOp.Apply(Unary.Apply<Scale, ScaleParams>(inner, new ScaleParams(Site.Scale)), B.Value, null, up);
        return Binary.Apply<Add>(site.Forward(x), delta);
    }
}
