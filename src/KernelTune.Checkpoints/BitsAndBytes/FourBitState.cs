using System.Globalization;
using System.Text;
using System.Text.Json;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Checkpoints;

/// <summary>What the state of a 4-bit weight says, without its codes.</summary>
/// <param name="Type">The table.</param>
/// <param name="BlockSize">Numbers a block.</param>
/// <param name="Shape">The weight's own shape.</param>
/// <param name="Original">The type it was quantised from.</param>
/// <param name="NestedOffset">The mean of the magnitudes, where those are quantised too; null: they are not.</param>
public sealed record FourBitForm(FourBitType Type, int BlockSize, IReadOnlyList<long> Shape, DType Original, float? NestedOffset);

/// <summary>
/// The tensors that bitsandbytes keeps beside a 4-bit <c>X.weight</c> in a safetensors file: <c>.absmax</c>, <c>.quant_map</c>, <c>.nested_absmax</c>, <c>.nested_quant_map</c>, and
/// <c>.quant_state.bitsandbytes__nf4</c> (or fp4), a JSON object as bytes.
/// </summary>
public static class FourBitState
{
    private const string StateSuffix = ".quant_state.bitsandbytes__";
    private static readonly string[] Companions = [".absmax", ".quant_map", ".nested_absmax", ".nested_quant_map"];

    /// <summary>True where a weight of this name is stored in 4 bits.</summary>
    public static bool IsFourBit(IWeightSource source, string weight) => Names(weight).Any(n => source.TryGet(n, out _));

    /// <summary>True for a name that stands beside a 4-bit weight and is none itself.</summary>
    public static bool IsCompanion(IWeightSource source, string name)
    {
        int state = name.IndexOf(StateSuffix, StringComparison.Ordinal);
        if (state > 0)
            return source.TryGet(name[..state], out _);
        return Array.Find(Companions, c => name.EndsWith(c, StringComparison.Ordinal)) is { } suffix && IsFourBit(source, name[..^suffix.Length]);
    }

    /// <summary>Reads the JSON object alone.</summary>
    /// <exception cref="CheckpointException">It is damaged, or asks for what is not known.</exception>
    public static FourBitForm ReadForm(IWeightSource source, string weight)
    {
        string stateName = Names(weight).First(n => source.TryGet(n, out _));
        var state = JsonSettings.Parse($"{source.Location}: {stateName}", Bytes(source, stateName));
        string kind = state.String("quant_type");
        var type = kind switch
        {
            "nf4" => FourBitType.Nf4,
            "fp4" => FourBitType.Fp4,
            _ => throw state.Bad("quant_type", $"{CheckpointException.Quote(kind)} was found, nf4 or fp4 wanted"),
        };
        int blockSize = state.Int("blocksize");
        if (blockSize < 1)
            throw state.Bad("blocksize", $"{blockSize} was found, 1 or more wanted");
        bool isDouble = state.Has("nested_blocksize");
        if (isDouble && state.Int("nested_blocksize") != FourBitWeight.NestedBlockSize)
            throw state.Bad("nested_blocksize", $"{state.Int("nested_blocksize")} was found, {FourBitWeight.NestedBlockSize} wanted");
        return new FourBitForm(type, blockSize, ShapeOf(state), OriginalType(state), isDouble ? (float)state.Double("nested_offset") : null);
    }

    /// <summary>Reads a weight with its state.</summary>
    /// <exception cref="CheckpointException">A companion is missing or does not fit.</exception>
    public static FourBitWeight Read(IWeightSource source, string weight)
    {
        var (type, blockSize, shape, original, offset) = ReadForm(source, weight);
        long elements = shape.Aggregate(1L, (n, d) => n * d), blocks = (elements + blockSize - 1) / blockSize;
        var packed = Bytes(source, weight);
        Expect(source, weight, packed.Length, (elements + 1) / 2);
        CheckLevels(source, weight + ".quant_map", FourBitWeight.Quantizer(type).Levels);
        FourBitWeight.NestedMagnitudes? nested = null;
        float[] absmax;
        if (offset is { } mean)
        {
            CheckLevels(source, weight + ".nested_quant_map", FourBitWeight.NestedMagnitudes.Levels);
            nested = new FourBitWeight.NestedMagnitudes(Bytes(source, weight + ".absmax"), Floats(source, weight + ".nested_absmax"), mean);
            Expect(source, weight + ".absmax", nested.Codes.Length, blocks);
            Expect(source, weight + ".nested_absmax", nested.AbsMax.Length, (blocks + FourBitWeight.NestedBlockSize - 1) / FourBitWeight.NestedBlockSize);
            absmax = nested.Dequantize();
        }
        else
        {
            absmax = Floats(source, weight + ".absmax");
            Expect(source, weight + ".absmax", absmax.Length, blocks);
        }
        return new FourBitWeight
        {
            Type = type, BlockSize = blockSize, Shape = shape, Original = original, Packed = packed, AbsMax = absmax, DoubleQuantized = nested,
        };
    }

    /// <summary>The tensors that stand for a weight in a file: the packed codes under its name, and the companions.</summary>
    public static IEnumerable<TensorToSave> ToSave(string weight, FourBitWeight value)
    {
        yield return TensorToSave.Raw(weight, WeightFormats.U8, [value.Packed.Length, 1], value.Packed);
        if (value.DoubleQuantized is { } nested)
        {
            yield return TensorToSave.Raw(weight + ".absmax", WeightFormats.U8, [nested.Codes.Length], nested.Codes);
            yield return TensorToSave.Of(weight + ".nested_absmax", [nested.AbsMax.Length], nested.AbsMax);
            yield return TensorToSave.Of(weight + ".nested_quant_map", [256], FourBitWeight.NestedMagnitudes.Levels.ToArray());
        }
        else
        {
            yield return TensorToSave.Of(weight + ".absmax", [value.AbsMax.Length], value.AbsMax);
        }
        yield return TensorToSave.Of(weight + ".quant_map", [16], value.Levels.ToArray());
        byte[] state = Encoding.UTF8.GetBytes(StateText(value));
        yield return TensorToSave.Raw($"{weight}{StateSuffix}{Word(value.Type)}", WeightFormats.U8, [state.Length], state);
    }

    // Python's json.dumps: a space behind colons and commas, floats in their shortest form.
    private static string StateText(FourBitWeight value)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{{\"quant_type\": \"{Word(value.Type)}\", \"blocksize\": {value.BlockSize}, \"dtype\": \"{Name(value.Original)}\", \"shape\": [{string.Join(", ", value.Shape)}]");
        if (value.DoubleQuantized is { } nested)
            text.Append(CultureInfo.InvariantCulture, $", \"nested_blocksize\": {FourBitWeight.NestedBlockSize}, \"nested_dtype\": \"float32\", \"nested_offset\": {Float(nested.Offset)}");
        return text.Append('}').ToString();
    }

    private static string Float(double value)
    {
        string text = value.ToString("R", CultureInfo.InvariantCulture);
        int e = text.IndexOf('E', StringComparison.Ordinal);
        if (e < 0)
            return text.Contains('.', StringComparison.Ordinal) ? text : text + ".0";
        int exponent = int.Parse(text[(e + 1)..], CultureInfo.InvariantCulture);
        return string.Create(CultureInfo.InvariantCulture, $"{text[..e]}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}");
    }

    private static IEnumerable<string> Names(string weight) => [$"{weight}{StateSuffix}nf4", $"{weight}{StateSuffix}fp4"];

    private static string Word(FourBitType type) => type == FourBitType.Nf4 ? "nf4" : "fp4";

    private static string Name(DType type) => type switch { DType.BF16 => "bfloat16", DType.F16 => "float16", _ => "float32" };

    private static long[] ShapeOf(JsonSettings state)
    {
        if (!state.Root.TryGetProperty("shape", out var shape) || shape.ValueKind != JsonValueKind.Array)
            throw state.Bad("shape", "a list of lengths wanted");
        var lengths = new List<long>();
        foreach (var length in shape.EnumerateArray())
            lengths.Add(length.ValueKind == JsonValueKind.Number && length.TryGetInt64(out long n) && n >= 0 ? n : throw state.Bad("shape", $"{length} was found, a length wanted"));
        if (lengths.Contains(0) || lengths.Aggregate((Int128)1, (n, d) => Int128.Min(n * d, (Int128)1 << 70)) <= long.MaxValue)
            return [.. lengths];
        throw state.Bad("shape", $"[{string.Join(", ", lengths)}] was found, fewer numbers wanted");
    }

    private static DType OriginalType(JsonSettings state) => state.String("dtype") switch
    {
        "bfloat16" => DType.BF16,
        "float16" => DType.F16,
        "float32" => DType.F32,
        var other => throw state.Bad("dtype", $"{CheckpointException.Quote(other)} was found, float32, float16 or bfloat16 wanted"),
    };

    private static void CheckLevels(IWeightSource source, string name, ReadOnlySpan<float> wanted)
    {
        if (!Floats(source, name).AsSpan().SequenceEqual(wanted))
            throw new CheckpointException(source.Location, "levels other than bitsandbytes' own were found", tensor: name);
    }

    private static void Expect(IWeightSource source, string name, long found, long wanted)
    {
        if (found != wanted)
            throw new CheckpointException(source.Location, $"{found} elements were found, {wanted} wanted", tensor: name);
    }

    private static byte[] Bytes(IWeightSource source, string name)
    {
        var info = source.Get(name);
        if (info.Format != WeightFormats.U8)
            throw new CheckpointException(source.Location, $"{info.Format} was found, U8 wanted", tensor: name);
        var bytes = new byte[info.Bytes];
        source.ReadRaw(name, bytes);
        return bytes;
    }

    private static float[] Floats(IWeightSource source, string name)
    {
        var numbers = new float[source.Get(name).Elements];
        source.ReadF32(name, numbers);
        return numbers;
    }
}
