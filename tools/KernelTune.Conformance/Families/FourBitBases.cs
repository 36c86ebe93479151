using KernelTune.Autograd;
using KernelTune.Checkpoints;
using KernelTune.Conformance.Checks;
using KernelTune.Devices;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Conformance.Families;

/// <summary>
/// Bases that bitsandbytes has quantised. A case was run on what bitsandbytes' own CPU kernel makes of the codes (dequantized.safetensors), and that kernel takes the first block's magnitude for all
/// of a weight whose rows are multiples of 32 and no whole blocks (as goldens/training says of it). So the numbers of the case are its file's; ours are compared with them wherever the kernel is right.
/// </summary>
internal static class FourBitBases
{
    /// <summary>Puts the case's numbers into a model, kept in 4 bits where the device keeps them so.</summary>
    public static void Apply(AdapterCase golden, ModelOnDevice model, GoldenCheck check)
    {
        string file = Path.Combine(golden.Folder, "dequantized.safetensors");
        if (!File.Exists(file) || model.Folder.Weights is not BitsAndBytesWeights source)
            return;
        foreach (var (key, expected) in new GoldenTensors(file).ByName)
        {
            if (!source.TryCodes(key, out FourBitWeight? codes))
            {
                check.Fail($"{key} is not in 4 bits");
                continue;
            }

            Parameter parameter = model.Keys.First(k => k.Value == key).Key;
            if (!IsMisread(codes.Shape, codes.BlockSize))
                check.Tensor<double>("dequantized." + key, ModelOnDevice.Numbers(parameter).Values, expected);
            parameter.Dispose();
            parameter.Storage = model.Device.Packs ? new FourBitStorage(codes.Type, codes.BlockSize, false) : null;
            parameter.Load(model.Device, expected.Floats());
        }

        model.MarkAllLoaded();
    }

    /// <summary>
    /// The merged weights quantised again, as PEFT's merge does. The page: a code may differ where a sum lies within rounding of a midpoint; the logits are those of the stored codes.
    /// </summary>
    public static Finding MergedAgain(AdapterCase golden, CaseMethod method, ModelOnDevice bare, string device)
    {
        GoldenCheck check = golden.NewCheck(device);
        bool wrong = false;
        var plain = bare.Model.BaseParameters().ToDictionary(p => p.Path, StringComparer.Ordinal);
        using SafetensorsFile file = SafetensorsFile.Open(Path.Combine(golden.Folder, "merged_4bit.safetensors"));
        foreach (var (parameter, merged) in method.Merged())
        {
            string key = method.Model.Keys[parameter];
            if (!FourBitState.IsFourBit(file, key))
            {
                check.Fail($"merged_4bit has no {key}");
                continue;
            }
            FourBitWeight expected = FourBitState.Read(file, key);
            FourBitWeight ours = FourBitWeight.Quantize(expected.Type, merged, expected.Shape, expected.BlockSize, expected.DoubleQuantized is not null);
            check.Exact<int>(key + ": codes apart by more than a midpoint's rounding", [Strays(ours, expected, merged)], [0]);
            wrong |= IsMisread(expected.Shape, expected.BlockSize);
            Parameter target = plain[parameter.Path];
            target.Dispose();
            target.Storage = new FourBitStorage(expected.Type, expected.BlockSize, expected.DoubleQuantized is not null, expected.Original);
            target.Load(bare.Device, expected);
        }

        if (!wrong)
            golden.Run.Compare(check, "merged_4bit_logits", bare.Logits(golden.Inputs.ByName));
        return check.Finding("merged_4bit");
    }

    private static int Strays(FourBitWeight ours, FourBitWeight expected, float[] numbers)
    {
        int strays = 0;
        float[] a = new float[numbers.Length], b = new float[numbers.Length];
        ours.Dequantize(0, a);
        expected.Dequantize(0, b);
        for (int i = 0; i < numbers.Length; i++)
        {
            double most = expected.AbsMax[i / expected.BlockSize], middle = ((double)a[i] + b[i]) / 2;
            strays += Math.Abs(a[i] - b[i]) > 1e-5 * most && Math.Abs(numbers[i] - middle) > 1e-5 * most ? 1 : 0;
        }

        return strays;
    }

    private static bool IsMisread(IReadOnlyList<long> shape, int blockSize) => shape[^1] % 32 == 0 && shape[^1] % blockSize != 0;
}
