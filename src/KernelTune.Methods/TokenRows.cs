using KernelTune.Autograd;
using KernelTune.Autograd.Ops;
using KernelTune.Devices;
using KernelTune.Devices.Memory;
using KernelTune.Kernels.Elementwise;
using KernelTune.Kernels.Numerics;
using KernelTune.Modules;

namespace KernelTune.Methods;

/// <summary>
/// Rows of a token table that train apart from it, whole (PEFT's trainable tokens): W′ is W with row tᵢ replaced by row i of D. The table looks up W′, and so does every head that
/// shares its weight. D: [n, dim], the rows themselves and not their differences.
/// </summary>
internal sealed class TokenRows
{
    private readonly string path;
    private readonly Parameter weight;      // [rows, dim]
    private readonly IReadOnlyList<Linear> heads;
    private readonly int[] indices;

    private TokenRows(string path, Parameter weight, IReadOnlyList<Linear> heads, int[] indices, string name)
    {
        (this.path, this.weight, this.heads, this.indices) = (path, weight, heads, indices);
        Delta = new Parameter($"{path}.{name}", new Shape(indices.Length, weight.Shape[1]), Category.Adapters) { Trainable = true };
        Choice = new Parameter($"{path}.{name}_choice", new Shape(Rows, indices.Length), Category.Adapters) { IsBuffer = true };
        Kept = new Parameter($"{path}.{name}_kept", new Shape(Rows, 1), Category.Adapters) { IsBuffer = true };
    }

    /// <summary>D.</summary>
    public Parameter Delta { get; }

    // [rows, n]: which row of D a token is, as a row of a unit matrix; zeros for all others.
    private Parameter Choice { get; }

    // [rows, 1]: 1 for the tokens that keep their own row, 0 for those of D.
    private Parameter Kept { get; }

    private int Rows => weight.Shape[0];

    /// <summary>Occupies a table and the heads that share its weight, and names what trains.</summary>
    /// <param name="model">The model.</param>
    /// <param name="site">A look-up table of it, or a head with a weight of its own.</param>
    /// <param name="indices">The tokens: ids of the table.</param>
    /// <param name="name">What PEFT calls D below the table's path, and below a head's.</param>
    /// <param name="tensors">Receives D under all its names.</param>
    /// <exception cref="MethodException">A token is none of the table, comes twice, or is the padding, whose row look-ups do not train; or the table or a head is occupied.</exception>
    public static TokenRows Put(Module model, Module<Tensor, Tensor> site, IReadOnlyList<int> indices, string name, AdapterTensors tensors)
    {
        var table = site as Embedding;
        var weight = table?.Weight ?? ((Linear)site).Weight;
        int count = weight.Shape[0];
        if (indices.Count == 0)
            throw new MethodException("the list of trainable tokens is empty");
        if (indices.Any(i => i < 0 || i >= count))
            throw new MethodException(FormattableString.Invariant($"the trainable token {indices.First(i => i < 0 || i >= count)} is none of {site.Path}, which has {count} rows"));
        if (indices.GroupBy(i => i).FirstOrDefault(g => g.Count() > 1) is { } twice)
            throw new MethodException(FormattableString.Invariant($"the trainable token {twice.Key} is named twice"));
        if (table is not null && indices.Contains(table.PaddingIndex))
            throw new MethodException(FormattableString.Invariant($"the trainable token {table.PaddingIndex} is the padding of {table.Path}, whose row look-ups do not train"));
        Linear[] heads = [.. model.Tree().OfType<Linear>().Where(l => ReferenceEquals(l.Weight, weight))];
        if (site.Occupant is not null || heads.Any(h => h.Occupant is not null) || weight.Trainable)
            throw new MethodException($"{site.Path} cannot have trainable tokens: the method adapts or trains it already");
        var rows = new TokenRows(site.Path, weight, heads, [.. indices], name);
        table?.Occupy(new LookedUp(rows));
        tensors.Add($"{LoraPlan.NamePrefix}{site.Path}.{name}", rows.Delta);
        foreach (var head in heads)
        {
            head.Occupy(new Projected(rows, holds: ReferenceEquals(head, site)));
            if (!ReferenceEquals(head, site))
                tensors.Alias($"{LoraPlan.NamePrefix}{head.Path}.{name}", rows.Delta);
        }
        return rows;
    }

    /// <summary>The rows as the base has them, so that the model starts unchanged. The base is loaded already.</summary>
    public void Initialize(Device device)
    {
        Prepare(device);
        using var session = new Session(device) { Recording = false };
        var rows = EmbeddingOp.Apply(weight, session.Upload<int>(indices, new Shape(indices.Length), DType.I64));
        var numbers = new float[Delta.Shape.Elements];
        if (device.Computes)
            device.Read<float>(rows.View, numbers);
        Delta.Load(device, numbers);
    }

    /// <summary>Puts on the device what a forward pass needs beside D.</summary>
    public void Prepare(Device device)
    {
        int count = indices.Length;
        float[] units = new float[Choice.Shape.Elements], ones = new float[Rows];
        Array.Fill(ones, 1);
        for (int i = 0; i < count; i++)
        {
            units[((long)indices[i] * count) + i] = 1;
            ones[indices[i]] = 0;
        }
        Choice.Load(device, units);
        Kept.Load(device, ones);
    }

    /// <summary>True for the table's weight, under its own module and under the heads that share it.</summary>
    public bool Changes(Parameter parameter, string modulePath) =>
        ReferenceEquals(parameter, weight) && (modulePath == path || heads.Any(h => h.Path == modulePath));

    /// <summary>W′.</summary>
    public (Parameter Base, float[] Merged) Merged()
    {
        float[] merged = AdapterTensors.Numbers(weight), rows = AdapterTensors.Numbers(Delta);
        int dim = weight.Shape[1];
        for (int i = 0; i < indices.Length; i++)
            Array.Copy(rows, (long)i * dim, merged, (long)indices[i] * dim, dim);
        return (weight, merged);
    }

    // y = kept[ids] ∘ W[ids] + choice[ids]·D.
    private sealed class LookedUp(TokenRows rows) : IOccupant<Tensor, Tensor>
    {
        public IReadOnlyList<Parameter> Parameters => [rows.Delta, rows.Choice, rows.Kept];

        public Tensor Forward(Module<Tensor, Tensor> site, in Tensor x)
        {
            var own = Binary.Apply<Mul>(site.Forward(x), EmbeddingOp.Apply(rows.Kept, x));
            var chosen = EmbeddingOp.Apply(rows.Choice, x);
            int tokens = checked((int)x.View.Elements), count = rows.indices.Length;
            var replaced = MatMul.Apply(Reshape.Apply(chosen, new Shape(tokens, count)), rows.Delta.Value);
            return Binary.Apply<Add>(own, Reshape.Apply(replaced, own.Shape));
        }
    }

    // logits = keptᵀ ∘ Wh + choice·(Dh) + b.
    private sealed class Projected(TokenRows rows, bool holds) : IOccupant<Tensor, Tensor>
    {
        // Those of a table are its look-up's.
        public IReadOnlyList<Parameter> Parameters => holds ? [rows.Delta, rows.Choice, rows.Kept] : [];

        public Tensor Forward(Module<Tensor, Tensor> site, in Tensor x)
        {
            var ids = x.Session.Wrap(rows.Kept.Value.View.Reshape(new Shape(rows.Rows)));
            var head = (Linear)site;
            var own = Binary.Apply<Mul>(LinearOp.Apply(x, head.Weight, null), ids);
            var logits = Binary.Apply<Add>(own, LinearOp.Apply(LinearOp.Apply(x, rows.Delta, null), rows.Choice, null));
            return head.Bias is { } bias ? Binary.Apply<Add>(logits, bias.Value) : logits;
        }
    }
}
