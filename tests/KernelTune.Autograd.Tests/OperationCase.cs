using KernelTune.Autograd.Ops;

namespace KernelTune.Autograd.Tests;

/// <summary>One use of one operation: it proves the gradient, the agreement of devices and that memory comes back.</summary>
/// <param name="Name">Its name in the report.</param>
/// <param name="Operation">The class in Ops that it is a case of.</param>
/// <param name="Apply">The operation on the trial's inputs.</param>
/// <param name="Shapes">One input each, trained unless it is named in <see cref="Frozen"/>.</param>
public sealed record OperationCase(string Name, Type Operation, Func<Trial, Tensor> Apply, params int[][] Shapes)
{
    /// <summary>Inputs that have no gradient.</summary>
    public int[] Frozen { get; init; } = [];

    /// <summary>Weights stored as [in, out].</summary>
    public int[] Transposed { get; init; } = [];

    /// <summary>The range of the inputs' values.</summary>
    public (double Least, double Greatest) Range { get; init; } = (-1.5, 1.5);

    /// <summary>What two devices may differ by, |a − b| ≤ Absolute + 1.3e-6·|b|.</summary>
    public double Absolute { get; init; } = 1e-5;

    /// <summary>True where an input is a product's weight or a table: frozen, it may be kept as panels.</summary>
    public bool IsWeight(int input) => Shapes[input].Length == 2
        && (Operation == typeof(EmbeddingOp) || (input > 0 && (Operation == typeof(LinearOp) || Operation == typeof(LoraLinearOp) || Operation == typeof(LinearCrossEntropyOp))));

    /// <summary>The seeded values of an input; no two are alike.</summary>
    public float[] Values(int input)
    {
        int n = Shapes[input].Aggregate(1, (product, length) => product * length);
        var random = new System.Random(1000 + input);
        return [.. Enumerable.Range(0, n).Select(_ => (float)(Range.Least + (random.NextDouble() * (Range.Greatest - Range.Least))))];
    }

    /// <summary>The cotangent of a use's output.</summary>
    public static double[] Cotangent(int use, int n)
    {
        var random = new System.Random(77 + use);
        return [.. Enumerable.Range(0, n).Select(_ => (double)(float)((2 * random.NextDouble()) - 1))];
    }

    public override string ToString() => Name;
}
