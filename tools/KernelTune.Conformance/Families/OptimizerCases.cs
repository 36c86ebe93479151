using System.Text.Json;
using KernelTune.Autograd;
using KernelTune.Conformance.Checks;
using KernelTune.Devices;
using KernelTune.Devices.Memory;
using KernelTune.Kernels.Cpu;
using KernelTune.Kernels.Numerics;
using KernelTune.Training.Optimizers;
using KernelTune.Training.Recipes;

namespace KernelTune.Conformance.Families;

/// <summary>bitsandbytes' 8-bit optimizers on one parameter: every step from the state that the library had before it, by the engine's own rule and its device's kernel.</summary>
internal static class OptimizerCases
{
    // The page: a code may differ by one where the number lies this near to a midpoint.
    private const double NearMidpoint = 1e-6;

    public static Finding Steps(GoldenTensors tensors, JsonElement settings, string deviceName)
    {
        foreach (JsonProperty setting in settings.EnumerateObject())
            if (setting.Name is not ("optimizer" or "shape" or "steps" or "arguments"))
                return new Finding("", Outcome.Unsupported, $"setting {setting.Name}");
        OptimizerSettings how;
        try
        {
            how = GoldenOptimizer.Of(settings.GetProperty("optimizer").GetString()!, settings.GetProperty("arguments"));
        }
        catch (NotSupportedException e)
        {
            return new Finding("", Outcome.Unsupported, e.Message);
        }

        GoldenTensor weight = tensors["in.weight"];
        using Device device = DeviceChoice.Create(deviceName)!;
        using var parameter = new Parameter("weight", new Shape([.. weight.Shape])) { Trainable = true };
        OptimizerRule rule = OptimizerRule.Of(how);
        using var states = new OptimizerStates(device, [parameter], rule, min8BitSize: 0);
        Dictionary<string, GoldenTensor> maps = new(StringComparer.Ordinal) { ["1"] = tensors["out.qmap1"] };
        if (rule.States.Count > 1)
            maps["2"] = tensors["out.qmap2"];
        var check = new GoldenCheck(deviceName, Scales(tensors));
        foreach (var (number, map) in maps)
            check.Exact<float>($"out.qmap{number}", CodeTables.Dynamic(number == "1"), map.Floats());

        int n = weight.Count;
        View p = device.Allocate(new Shape(n), device.Real, Category.Weights), g = device.Allocate(new Shape(n), device.Real, Category.Gradients), scalars = device.Allocate(new Shape(4), device.Real, Category.OptimizerState);
        var numbers = OptimizerRule.Numbers(how, how.WeightDecay);
        for (int k = 0; k < settings.GetProperty("steps").GetInt32(); k++)
        {
            device.Write<double>(p, (k == 0 ? weight : tensors[Invariant($"out.weight.{k - 1}")]).Doubles());
            device.Write<double>(g, tensors[Invariant($"in.grad.{k}")].Doubles());
            foreach (string s in maps.Keys)
            {
                if (k == 0)
                    break;
                device.Write<byte>(Codes(states, s), tensors[Invariant($"out.state{s}.{k - 1}")].Bytes);
                device.Write<float>(Magnitudes(states, s), tensors[Invariant($"out.absmax{s}.{k - 1}")].Floats());
            }
            var (first, second) = rule.Corrections(numbers, k + 1);
            device.Write<double>(scalars, [how.LearningRate, first, second, 1]);
            rule.Run(p, g, states[0], states.Levels, scalars, numbers);

            var updated = new double[n];
            device.Read(p, updated);
            check.Tensor<double>(Invariant($"out.weight.{k}"), updated, tensors[Invariant($"out.weight.{k}")]);
            foreach (var (s, map) in maps)
                Compare(check, states, s, k, tensors, map.Floats());
        }

        foreach (View view in (ReadOnlySpan<View>)[p, g, scalars])
            view.Block.Release();
        return check.Finding();
    }

    // A code that differs must be a neighbour, and the number that the library encoded must lie at the midpoint between: their levels are then all that is known of it.
    private static void Compare(GoldenCheck check, OptimizerStates states, string s, int k, GoldenTensors tensors, float[] levels)
    {
        var codes = new byte[Codes(states, s).Elements];
        var magnitudes = new float[Magnitudes(states, s).Elements];
        states.Levels.Device.Read(Codes(states, s), codes);
        states.Levels.Device.Read(Magnitudes(states, s), magnitudes);
        check.Tensor<float>(Invariant($"out.absmax{s}.{k}"), magnitudes, tensors[Invariant($"out.absmax{s}.{k}")]);
        GoldenTensor expected = tensors[Invariant($"out.state{s}.{k}")];
        int moved = 0;
        for (int i = 0; i < codes.Length; i++)
        {
            if (magnitudes[i / BlockwiseUpdate.Block] == 0 || codes[i] == expected.Bytes[i])
                continue;
            moved++;
            if (Math.Abs(codes[i] - expected.Bytes[i]) > 1)
                check.Fail(Invariant($"out.state{s}.{k}[{i}] is {codes[i]} ({levels[codes[i]]:R}), wanted {expected.Bytes[i]}"));
        }

        // A number is within 1e-6 of one of 255 midpoints by chance once in some thousand.
        if (moved > 1 + (codes.Length / 1000))
            check.Fail(Invariant($"out.state{s}.{k}: {moved} of {codes.Length} codes are moved, more than lie within {NearMidpoint} of a midpoint"));
    }

    private static View Codes(OptimizerStates states, string s) => s == "1" ? states[0].First : states[0].Second;

    private static View Magnitudes(OptimizerStates states, string s) => s == "1" ? states[0].MagnitudesFirst : states[0].MagnitudesSecond;

    // The case has no float32_error: the common rule with the tensors' own scales.
    private static Dictionary<string, FloatError> Scales(GoldenTensors tensors) => tensors.ByName.Values
        .Where(t => t.DType == "F32" && t.Name.StartsWith("out.", StringComparison.Ordinal))
        .ToDictionary(t => t.Name, t => new FloatError(0, t.Doubles().Max(Math.Abs)), StringComparer.Ordinal);

    private static string Invariant(FormattableString text) => FormattableString.Invariant(text);
}
