using System.Runtime.InteropServices;
using System.Text.Json;
using KernelTune.Checkpoints;
using KernelTune.Conformance.Checks;

namespace KernelTune.Conformance.Families;

/// <summary>quantization/: GGUF blocks quantised and dequantised, bitsandbytes' 4- and 8-bit codes and optimizers, and conversions between float types. Codes are compared bit for bit.</summary>
public sealed class QuantizationFamily : IFamily
{
    private static readonly string[] KnownSettings = ["type", "shape", "half_scales"];

    public string Name => "quantization";

    // Its 8-bit optimizers do.
    public bool UsesDevice => true;

    public IEnumerable<string> Cases(string folder) =>
        Directory.EnumerateFiles(folder, "*.safetensors").Select(f => Path.GetFileNameWithoutExtension(f)!).Order(StringComparer.Ordinal);

    public IEnumerable<Finding> Run(string folder, string name, string device)
    {
        var tensors = new GoldenTensors(Path.Combine(folder, name + ".safetensors"));
        string kind = tensors.Metadata["kind"];
        using JsonDocument settings = JsonDocument.Parse(tensors.Metadata["settings"]);
        using JsonDocument errors = JsonDocument.Parse(tensors.Metadata["float32_error"]);
        var check = new GoldenCheck("reference", FloatError.ReadAll(errors.RootElement));
        return kind switch
        {
            "quantization/gguf_quantise" or "quantization/gguf_dequantise" => [Blocks(tensors, settings.RootElement, check)],
            "quantization/float_conversion" => [Conversions(tensors, settings.RootElement, check)],
            "quantization/bnb4" => [CodeCases.FourBit(tensors, settings.RootElement, check)],
            "quantization/blockwise8" => [CodeCases.EightBit(tensors, settings.RootElement, check)],
            "quantization/code_tables" => [CodeCases.Tables(tensors, check)],
            "quantization/optimizer8" => [OptimizerCases.Steps(tensors, settings.RootElement, device)],
            _ => [new Finding("", Outcome.Unsupported, $"kind {kind}")],
        };
    }

    private static Finding Blocks(GoldenTensors tensors, JsonElement settings, GoldenCheck check)
    {
        string type = settings.GetProperty("type").GetString()!;
        if (settings.EnumerateObject().FirstOrDefault(p => !KnownSettings.Contains(p.Name)) is { Value.ValueKind: not JsonValueKind.Undefined } other)
            return new Finding("", Outcome.Unsupported, $"setting {other.Name}");
        if (WeightFormats.Find(type) is not { CanDecode: true } format)
            return new Finding("", Outcome.Unsupported, $"block type {type}");

        GoldenTensor expected = tensors["out.dequantised"];
        bool quantises = tensors.Has("in.x");
        GoldenTensor stored = tensors[quantises ? "out.bytes" : "in.bytes"];
        if (!format.TryBytes(expected.Count, out long bytes) || bytes != stored.Bytes.Length)
        {
            check.Fail($"{expected.Count} numbers of {type} take {bytes} bytes, the case has {stored.Bytes.Length}");
            return check.Finding();
        }

        if (quantises)
        {
            var codes = new byte[stored.Bytes.Length];
            format.Encode(tensors["in.x"].Floats(), codes);
            check.Exact("out.bytes", codes, stored.Bytes);
        }

        var values = new float[expected.Count];
        format.Decode(stored.Bytes, values);
        check.Exact("out.dequantised (bits)", Bits(values), Bits(expected.Floats()));
        return check.Finding();
    }

    private static Finding Conversions(GoldenTensors tensors, JsonElement settings, GoldenCheck check)
    {
        if (settings.EnumerateObject().Any())
            return new Finding("", Outcome.Unsupported, $"setting {settings.EnumerateObject().First().Name}");
        float[] x = tensors["in.x"].Floats();
        Encoded(check, tensors, x, WeightFormats.BF16, "out.bfloat16_bits");
        Encoded(check, tensors, x, WeightFormats.F16, "out.float16_bits");
        Encoded(check, tensors, x, WeightFormats.F8E4M3, "out.float8_e4m3fn_bits");
        Encoded(check, tensors, x, WeightFormats.F8E5M2, "out.float8_e5m2_bits");

        byte[] all = [.. Enumerable.Range(0, 256).Select(i => (byte)i)];
        Decoded(check, tensors["out.all_float8_e4m3fn"], WeightFormats.F8E4M3, all);
        Decoded(check, tensors["out.all_float8_e5m2"], WeightFormats.F8E5M2, all);
        Decoded(check, tensors["out.float16_values"], WeightFormats.F16, tensors["in.float16_bits"].Bytes);
        Decoded(check, tensors["out.bfloat16_values"], WeightFormats.BF16, tensors["in.float16_bits"].Bytes);
        return check.Finding();
    }

    /// <summary>The bits of each conversion; of a NaN only that it is one.</summary>
    private static void Encoded(GoldenCheck check, GoldenTensors tensors, float[] x, WeightFormat format, string name)
    {
        var ours = new byte[x.Length * format.BlockBytes];
        format.Encode(x, ours);
        byte[] expected = tensors[name].Bytes.ToArray();
        var back = new float[x.Length];
        format.Decode(ours, back);
        for (int i = 0; i < x.Length; i++)
        {
            if (!float.IsNaN(x[i]))
                continue;
            if (!float.IsNaN(back[i]))
                check.Fail($"{name}[{i}] is {back[i]}, wanted NaN");
            int at = i * format.BlockBytes;
            expected.AsSpan(at, format.BlockBytes).CopyTo(ours.AsSpan(at));
        }

        check.Exact(name, ours, expected);
    }

    private static void Decoded(GoldenCheck check, GoldenTensor expected, WeightFormat format, ReadOnlySpan<byte> codes)
    {
        var values = new float[expected.Count];
        format.Decode(codes, values);
        check.Exact(expected.Name + " (bits)", Bits(values), Bits(expected.Floats()));
    }

    /// <summary>Bits, every NaN the same one.</summary>
    private static ReadOnlySpan<uint> Bits(float[] values) =>
        MemoryMarshal.Cast<float, uint>(Array.ConvertAll(values, v => float.IsNaN(v) ? float.NaN : v).AsSpan());
}
