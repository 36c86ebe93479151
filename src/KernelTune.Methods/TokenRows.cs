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
    private readonly Embedding table;
    private readonly IReadOnlyList<Linear> heads;
    private readonly int[] indices;

    private TokenRows(Embedding table, IReadOnlyList<Linear> heads, int[] indices, string name)
    {
        (this.table, this.heads, this.indices) = (table, heads, indices);
        Delta = new Parameter($"{table.Path}.{name}", new Shape(indices.Length, table.Dim), Category.Adapters) { Trainable = true };
        Choice = new Parameter($"{table.Path}.{name}_choice", new Shape(table.Rows, indices.Length), Category.Adapters) { IsBuffer = true };
        Kept = new Parameter($"{table.Path}.{name}_kept", new Shape(table.Rows, 1), Category.Adapters) { IsBuffer = true };
    }

    /// <summary>D.</summary>
    public Parameter Delta { get; }

    // [rows, n]: which row of D a token is, as a row of a unit matrix; zeros for all others.
    private Parameter Choice { get; }

    // [rows, 1]: 1 for the tokens that keep their own row, 0 for those of D.
    private Parameter Kept { get; }

    /// <summary>Occupies a table and the heads that share its weight, and names what trains.</summary>
    /// <param name="model">The model.</param>
    /// <param name="table">A table of it.</param>
    /// <param name="indices">The tokens: ids of the table.</param>
    /// <param name="name">What PEFT calls D below the table's path, and below a head's.</param>
    /// <param name="tensors">Receives D under all its names.</param>
    /// <exception cref="MethodException">A token is none of the table, comes twice, or is the padding, whose row look-ups do not train; or the table or a head is occupied.</exception>
    public static TokenRows Put(Module model, Embedding table, IReadOnlyList<int> indices, string name, AdapterTensors tensors)
    {
        if (indices.Count == 0)
            throw new MethodException("the list of trainable tokens is empty");
        if (indices.Any(i => i < 0 || i >= table.Rows))
            throw new MethodException(FormattableString.Invariant($"the trainable token {indices.First(i => i < 0 || i >= table.Rows)} is none of {table.Path}, which has {table.Rows} rows"));
        if (indices.GroupBy(i => i).FirstOrDefault(g => g.Count() > 1) is { } twice)
            throw new MethodException(FormattableString.Invariant($"the trainable token {twice.Key} is named twice"));
        if (indices.Contains(table.PaddingIndex))
            throw new MethodException(FormattableString.Invariant($"the trainable token {table.PaddingIndex} is the padding of {table.Path}, whose row look-ups do not train"));
        Linear[] heads = [.. model.Tree().OfType<Linear>().Where(l => ReferenceEquals(l.Weight, table.Weight))];
        if (table.Occupant is not null || heads.Any(h => h.Occupant is not null) || table.Weight.Trainable)
            throw new MethodException($"{table.Path} cannot have trainable tokens: the method adapts or trains it already");
        var rows = new TokenRows(table, heads, [.. indices], name);
        table.Occupy(new LookedUp(rows));
        tensors.Add($"{LoraPlan.NamePrefix}{table.Path}.{name}", rows.Delta);
        foreach (var head in heads)
        {
            head.Occupy(new Projected(rows));
            tensors.Alias($"{LoraPlan.NamePrefix}{head.Path}.{name}", rows.Delta);
        }
        return rows;
    }

    /// <summary>The rows as the base has them, so that the model starts unchanged. The base is loaded already.</summary>
    public void Initialize(Device device)
    {
        Prepare(device);
        using var session = new Session(device) { Recording = false };
        var rows = table.Forward(session.Upload<int>(indices, new Shape(indices.Length), DType.I64));
        var numbers = new float[Delta.Shape.Elements];
        if (device.Computes)
            device.Read<float>(rows.View, numbers);
        Delta.Load(device, numbers);
    }

    /// <summary>Puts on the device what a forward pass needs beside D.</summary>
    public void Prepare(Device device)
    {
        int count = indices.Length;
        float[] units = new float[Choice.Shape.Elements], ones = new float[table.Rows];
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
        ReferenceEquals(parameter, table.Weight) && (modulePath == table.Path || heads.Any(h => h.Path == modulePath));

    /// <summary>W′.</summary>
    public (Parameter Base, float[] Merged) Merged()
    {
        float[] merged = AdapterTensors.Numbers(table.Weight), rows = AdapterTensors.Numbers(Delta);
        for (int i = 0; i < indices.Length; i++)
            Array.Copy(rows, (long)i * table.Dim, merged, (long)indices[i] * table.Dim, table.Dim);
        return (table.Weight, merged);
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

    // logits = keptᵀ ∘ (Wh + b) + choice·(Dh); the head of a decoder that shares its table has no bias.
    private sealed class Projected(TokenRows rows) : IOccupant<Tensor, Tensor>
    {
        public IReadOnlyList<Parameter> Parameters => [];

        public Tensor Forward(Module<Tensor, Tensor> site, in Tensor x)
        {
            var ids = x.Session.Wrap(rows.Kept.Value.View.Reshape(new Shape(rows.table.Rows)));
            var own = Binary.Apply<Mul>(site.Forward(x), ids);
            return Binary.Apply<Add>(own, LinearOp.Apply(LinearOp.Apply(x, rows.Delta, null), rows.Choice, null));
        }
    }
}
