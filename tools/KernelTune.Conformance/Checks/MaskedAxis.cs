using System.Text.Json;

namespace KernelTune.Conformance.Checks;

/// <summary>Which elements of a case's tensors mean something: along an axis a tensor follows a mask of the inputs, and where the mask is 0 nothing is compared.</summary>
public sealed class MaskedAxis
{
    private readonly Dictionary<string, (string Mask, int Axis)> followers = new(StringComparer.Ordinal);
    private readonly GoldenTensors inputs;

    /// <param name="masked">The case's <c>masked</c>: {tensor: {mask, axis}}; undefined: nothing is masked.</param>
    /// <param name="inputs">The case's inputs, where the masks are [rows, length].</param>
    public MaskedAxis(JsonElement masked, GoldenTensors inputs)
    {
        this.inputs = inputs;
        if (masked.ValueKind == JsonValueKind.Object)
            foreach (JsonProperty p in masked.EnumerateObject())
                followers[p.Name] = (p.Value.GetProperty("mask").GetString()!, p.Value.GetProperty("axis").GetInt32());
    }

    /// <summary>Which elements of a tensor are compared; empty: all of them.</summary>
    /// <exception cref="InvalidDataException">The mask does not fit the tensor's axis.</exception>
    public bool[] Counted(string tensor, IReadOnlyList<int> shape)
    {
        if (!followers.TryGetValue(tensor, out var follows))
            return [];
        GoldenTensor mask = inputs[follows.Mask];
        long[] values = mask.Integers();
        int length = mask.Shape[^1];
        if (shape[follows.Axis] != length || shape[0] != mask.Shape[0])
            throw new InvalidDataException($"{tensor} is [{string.Join(", ", shape)}], but its mask {follows.Mask} is [{string.Join(", ", mask.Shape)}] along axis {follows.Axis}");

        int inner = 1, all = 1;
        for (int axis = 0; axis < shape.Count; axis++)
        {
            all *= shape[axis];
            if (axis > follows.Axis)
                inner *= shape[axis];
        }

        int row = all / shape[0];
        var counted = new bool[all];
        for (int i = 0; i < all; i++)
            counted[i] = values[(i / row * length) + (i / inner % length)] != 0;
        return counted;
    }
}
