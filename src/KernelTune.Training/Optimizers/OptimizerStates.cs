using KernelTune.Autograd;
using KernelTune.Devices;
using KernelTune.Devices.Calls;
using KernelTune.Devices.Memory;
using KernelTune.Kernels.Cpu;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Training.Optimizers;

/// <summary>
/// The states of an optimizer, segments of arenas: one a state, and with states in 8 bits one for codes, one for the blocks' magnitudes and one for the states of parameters too small for that.
/// Zeros at first.
/// </summary>
public sealed class OptimizerStates : IDisposable
{
    private readonly List<Block> blocks = [];
    private readonly Parameter[] parameters;
    private readonly OptimizerRule rule;
    private readonly View[][] states;
    private readonly View[][] magnitudes;

    /// <param name="device">Where they lie.</param>
    /// <param name="parameters">What is optimized.</param>
    /// <param name="rule">How many states there are, and how they are kept.</param>
    /// <param name="min8BitSize">Parameters with fewer numbers have states of the device's own type.</param>
    public OptimizerStates(Device device, IReadOnlyList<Parameter> parameters, OptimizerRule rule, int min8BitSize)
    {
        (this.parameters, this.rule) = ([.. parameters], rule);
        states = [.. rule.States.Select(_ => new View[parameters.Count])];
        magnitudes = [.. rule.States.Select(_ => new View[parameters.Count])];
        var whole = Enumerable.Range(0, parameters.Count).Where(i => !rule.IsEightBit || parameters[i].Shape.Elements < min8BitSize).ToArray();
        var coded = Enumerable.Range(0, parameters.Count).Except(whole).ToArray();
        for (int s = 0; s < states.Length; s++)
        {
            Lay(device, whole, device.Real, i => Length(i), states[s]);
            Lay(device, coded, DType.U8, i => Length(i), states[s]);
            Lay(device, coded, DType.F32, i => (Length(i) + BlockwiseUpdate.Block - 1) / BlockwiseUpdate.Block, magnitudes[s]);
        }
        if (rule.IsEightBit)
        {
            Levels = device.Allocate(new Shape(2, 256), DType.F32, Category.OptimizerState);
            blocks.Add(Levels.Block);
            device.Write<float>(Levels, [.. DynamicCodes.Signed.Levels, .. DynamicCodes.Unsigned.Levels]);
        }
    }

    /// <summary>F32 [2, 256], the levels of the signed and the unsigned map; absent where no state is in 8 bits.</summary>
    public View Levels { get; }

    /// <summary>The states of the i-th parameter.</summary>
    public ParameterState this[int i] => new(At(states, 0, i), At(states, 1, i), At(magnitudes, 0, i), At(magnitudes, 1, i));

    /// <summary>The states by name, "exp_avg.PATH", in the parameter's shape; of codes also "absmax1.PATH", one number a block.</summary>
    public IEnumerable<(string Name, View View)> Named()
    {
        for (int i = 0; i < parameters.Length; i++)
        {
            for (int s = 0; s < states.Length; s++)
            {
                yield return ($"{rule.States[s]}.{parameters[i].Path}", states[s][i].Reshape(parameters[i].Shape));
                if (magnitudes[s][i].Exists)
                    yield return (FormattableString.Invariant($"absmax{s + 1}.{parameters[i].Path}"), magnitudes[s][i]);
            }
        }
    }

    public void Dispose()
    {
        foreach (var block in blocks)
            block.Release();
    }

    private static View At(View[][] of, int state, int i) => state < of.Length ? of[state][i] : default;

    private int Length(int i) => checked((int)parameters[i].Shape.Elements);

    private void Lay(Device device, int[] which, DType type, Func<int, int> length, View[] into)
    {
        if (which.Length == 0)
            return;
        var segments = new View[which.Length];
        Arena.Lay(device, [.. which.Select(i => new Shape(length(i)))], type, Category.OptimizerState, out var block, segments);
        blocks.Add(block);
        for (int i = 0; i < which.Length; i++)
        {
            into[which[i]] = segments[i];
            device.Run(new FillCall(segments[i], 0));
        }
    }
}
