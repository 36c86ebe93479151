namespace KernelTune.Conformance.Checks;

/// <summary>A tensor that the engine computed, brought to the host.</summary>
/// <param name="Shape">Its shape.</param>
/// <param name="Values">Its values, row by row; float32 values are widened, which changes none of them.</param>
public sealed record ComputedTensor(int[] Shape, double[] Values)
{
    /// <summary>A tensor of float32 values.</summary>
    public static ComputedTensor Of(ReadOnlySpan<int> shape, ReadOnlySpan<float> values)
    {
        var wide = new double[values.Length];
        for (int i = 0; i < wide.Length; i++)
            wide[i] = values[i];
        return new ComputedTensor(shape.ToArray(), wide);
    }

    /// <summary>A stored tensor.</summary>
    public static ComputedTensor Of(GoldenTensor tensor) => new([.. tensor.Shape], tensor.DType == "U8" ? Array.ConvertAll(tensor.Integers(), code => (double)code) : tensor.Doubles());
}

/// <summary>What one forward and backward pass of a case gave.</summary>
/// <param name="Loss">The loss.</param>
/// <param name="Outputs">Outputs by the names of expected.safetensors ("logits", "hidden_states.0" …); empty for a run that asked for the loss alone.</param>
/// <param name="Gradients">Gradients of every parameter that trains, by the names of the weights file (no "grad." in front).</param>
public sealed record ComputedRun(
    double Loss, IReadOnlyDictionary<string, ComputedTensor> Outputs, IReadOnlyDictionary<string, ComputedTensor> Gradients);
