using System.Text.Json;
using KernelTune.Checkpoints;
using KernelTune.Conformance.Checks;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Conformance.Families;

/// <summary>bitsandbytes' codes: 4-bit weights with their saved state, 8-bit blocks, and the tables.</summary>
internal static class CodeCases
{
    /// <summary>Quantises, dequantises, and writes and reads the checkpoint's state.</summary>
    public static Finding FourBit(GoldenTensors tensors, JsonElement settings, GoldenCheck check)
    {
        foreach (JsonProperty setting in settings.EnumerateObject())
            if (setting.Name is not ("quant_type" or "blocksize" or "shape" or "nested" or "dtype" or "zero_block"))
                return new Finding("", Outcome.Unsupported, $"setting {setting.Name}");
        if (settings.GetProperty("quant_type").GetString() is not ("nf4" or "fp4"))
            return new Finding("", Outcome.Unsupported, $"quant_type {settings.GetProperty("quant_type")}");
        FourBitType type = settings.GetProperty("quant_type").GetString() == "nf4" ? FourBitType.Nf4 : FourBitType.Fp4;
        bool nested = settings.TryGetProperty("nested", out JsonElement n) && n.GetBoolean();
        DType original = settings.TryGetProperty("dtype", out JsonElement d) ? d.GetString() switch { "bfloat16" => DType.BF16, "float16" => DType.F16, _ => DType.F32 } : DType.F32;
        GoldenTensor weight = tensors["in.weight"];
        long[] shape = [.. weight.Shape.Select(s => (long)s)];
        FourBitWeight ours = FourBitWeight.Quantize(type, weight.Floats(), shape, settings.GetProperty("blocksize").GetInt32(), nested, original);

        check.Exact("out.packed", Same(type, ours.Packed), Same(type, tensors["out.packed"].Bytes));
        check.Tensor<float>("out.code", ours.Levels, tensors["out.code"]);
        if (ours.DoubleQuantized is { } magnitudes)
        {
            check.Exact("out.absmax", magnitudes.Codes, tensors["out.absmax"].Bytes);
            check.Tensor<float>("out.nested_absmax", magnitudes.AbsMax, tensors["out.nested_absmax"]);
            check.Tensor<float>("out.nested_code", FourBitWeight.NestedMagnitudes.Levels, tensors["out.nested_code"]);
            check.Tensor<float>("out.nested_offset", [magnitudes.Offset], tensors["out.nested_offset"]);
            check.Tensor<float>("out.absmax_dequantised", ours.AbsMax, tensors["out.absmax_dequantised"]);
        }
        else
        {
            check.Tensor<float>("out.absmax", ours.AbsMax, tensors["out.absmax"]);
        }

        check.Tensor<float>("out.dequantised", Values(ours), tensors["out.dequantised"]);
        State(tensors, ours, check);
        return check.Finding();
    }

    /// <summary>8-bit codes of a table.</summary>
    public static Finding EightBit(GoldenTensors tensors, JsonElement settings, GoldenCheck check)
    {
        foreach (JsonProperty setting in settings.EnumerateObject())
            if (setting.Name is not ("map" or "signed" or "blocksize" or "shape" or "zero_block"))
                return new Finding("", Outcome.Unsupported, $"setting {setting.Name}");
        bool signed = settings.GetProperty("signed").GetBoolean();
        float[]? table = settings.GetProperty("map").GetString() switch
        {
            "dynamic" => CodeTables.Dynamic(signed),
            "linear" => CodeTables.Linear(signed),
            "fp8" when signed => CodeTables.Float8(5, 2),
            _ => null,
        };
        if (table is null)
            return new Finding("", Outcome.Unsupported, $"map {settings.GetProperty("map")}");
        int block = settings.GetProperty("blocksize").GetInt32();
        float[] x = tensors["in.x"].Floats();
        var quantizer = new BlockQuantizer(table);
        var codes = new byte[x.Length];
        var absmax = new float[(x.Length + block - 1) / block];
        quantizer.Quantize(x, block, codes, absmax);
        byte[] expected = tensors["out.codes"].Bytes.ToArray();
        for (int i = 0; i < codes.Length; i++)
            if (absmax[i / block] == 0)
                expected[i] = codes[i];                  // the page: codes of a block of zeros mean nothing
        check.Exact<byte>("out.codes", codes, expected);
        check.Tensor<float>("out.absmax", absmax, tensors["out.absmax"]);
        check.Tensor<float>("out.code", table, tensors["out.code"]);
        var values = new float[x.Length];
        quantizer.Dequantize(codes, block, absmax, values);
        check.Tensor<float>("out.dequantised", values, tensors["out.dequantised"]);
        return check.Finding();
    }

    /// <summary>The tables alone.</summary>
    public static Finding Tables(GoldenTensors tensors, GoldenCheck check)
    {
        foreach (string name in tensors.ByName.Keys.Order(StringComparer.Ordinal))
        {
            float[]? ours = name switch
            {
                "out.nf4" => CodeTables.Nf4.ToArray(),
                "out.fp4" => CodeTables.Fp4.ToArray(),
                "out.dynamic_signed" => CodeTables.Dynamic(true),
                "out.dynamic_unsigned" => CodeTables.Dynamic(false),
                "out.linear_signed" => CodeTables.Linear(true),
                "out.linear_unsigned" => CodeTables.Linear(false),
                "out.fp8_e5m2_map" => CodeTables.Float8(5, 2),
                "out.fp8_e4m3_map" => CodeTables.Float8(4, 3),
                "out.normal_nf4" => CodeTables.Normal(),
                _ => null,
            };
            if (ours is null)
                return new Finding("", Outcome.Unsupported, $"table {name}");
            check.Tensor<float>(name, ours, tensors[name]);
        }

        return check.Finding();
    }

    // FP4 has two zeros, and bitsandbytes' back ends differ on which they use.
    private static byte[] Same(FourBitType type, ReadOnlySpan<byte> packed)
    {
        byte[] codes = packed.ToArray();
        if (type == FourBitType.Fp4)
            for (int i = 0; i < codes.Length; i++)
                codes[i] = (byte)(((codes[i] >> 4) == 8 ? 0 : codes[i] & 0xF0) | ((codes[i] & 15) == 8 ? 0 : codes[i] & 15));
        return codes;
    }

    private static float[] Values(FourBitWeight weight)
    {
        var values = new float[weight.Elements];
        weight.Dequantize(0, values);
        return values;
    }

    private static void State(GoldenTensors tensors, FourBitWeight ours, GoldenCheck check)
    {
        string path = Path.Combine(Path.GetTempPath(), $"kerneltune-{Guid.NewGuid():N}.safetensors");
        try
        {
            SafetensorsWriter.Save(path, FourBitState.ToSave("weight", ours));
            var written = new GoldenTensors(path);
            const string Prefix = "checkpoint.";
            string[] companions = [.. tensors.ByName.Keys.Where(k => k.StartsWith(Prefix, StringComparison.Ordinal)).Select(k => k[Prefix.Length..])];
            check.Names("the state", written.ByName.Keys, [.. companions, "weight"]);
            foreach (string name in companions)
                if (written.Has(name))
                {
                    if (name.Contains("quant_state", StringComparison.Ordinal) || (name.EndsWith(".absmax", StringComparison.Ordinal) && ours.DoubleQuantized is not null && !name.Contains("nested", StringComparison.Ordinal)))
                        check.Exact(name, written[name].Bytes, tensors[Prefix + name].Bytes);
                    else
                        check.Tensor<float>(name, written[name].Floats(), tensors[Prefix + name]);
                }
            using SafetensorsFile file = SafetensorsFile.Open(path);
            FourBitWeight read = FourBitState.Read(file, "weight");
            check.Exact("the weight read back", read.Packed, ours.Packed);
            check.Exact<float>("its magnitudes", read.AbsMax, ours.AbsMax);
        }
        finally
        {
            File.Delete(path);
        }
    }
}
