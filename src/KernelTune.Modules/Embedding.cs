using KernelTune.Autograd;
using KernelTune.Autograd.Ops;
using KernelTune.Devices;

namespace KernelTune.Modules;

/// <summary>y[..., :] = weight[ids[...], :]. ids: I64; weight: [rows, dim]. The padding row, where there is one, gets no gradient from look-ups.</summary>
public sealed class Embedding : Module<Tensor, Tensor>
{
    public Embedding(string path, int rows, int dim, int paddingIndex = -1)
        : base(path)
    {
        (Rows, Dim, PaddingIndex) = (rows, dim, paddingIndex);
        Weight = Own("weight", new Shape(rows, dim), packable: true);
    }

    public int Rows { get; }

    public int Dim { get; }

    public int PaddingIndex { get; }

    public Parameter Weight { get; }

    public override Tensor Forward(in Tensor x) => EmbeddingOp.Apply(Weight, x, PaddingIndex);
}
