using KernelTune.Kernels.Numerics;

namespace KernelTune.Checkpoints;

/// <summary>Every format that a weight may come in.</summary>
public static class WeightFormats
{
    public static WeightFormat F64 { get; } = new F64Format();

    public static WeightFormat F32 { get; } = new F32Format();

    public static WeightFormat BF16 { get; } = new BF16Format();

    public static WeightFormat F16 { get; } = new F16Format();

    public static WeightFormat F8E4M3 { get; } = new Float8Format("F8_E4M3", DType.F8E4M3, Float8.E4M3);

    public static WeightFormat F8E5M2 { get; } = new Float8Format("F8_E5M2", DType.F8E5M2, Float8.E5M2);

    public static WeightFormat I64 { get; } = new OpaqueFormat("I64", DType.I64, 1, 8);

    public static WeightFormat I32 { get; } = new OpaqueFormat("I32", DType.I32, 1, 4);

    public static WeightFormat I8 { get; } = new OpaqueFormat("I8", DType.I8, 1, 1);

    public static WeightFormat U8 { get; } = new OpaqueFormat("U8", DType.U8, 1, 1);

    public static WeightFormat Bool { get; } = new OpaqueFormat("BOOL", DType.Bool, 1, 1);

    public static WeightFormat Q4_0 { get; } = new Q4_0Format();

    public static WeightFormat Q4_1 { get; } = new Q4_1Format();

    public static WeightFormat Q5_0 { get; } = new Q5_0Format();

    public static WeightFormat Q5_1 { get; } = new Q5_1Format();

    public static WeightFormat Q8_0 { get; } = new Q8_0Format();

    public static WeightFormat Q2_K { get; } = new Q2KFormat();

    public static WeightFormat Q3_K { get; } = new Q3KFormat();

    public static WeightFormat Q4_K { get; } = new Q4KFormat();

    public static WeightFormat Q5_K { get; } = new Q5KFormat();

    public static WeightFormat Q6_K { get; } = new Q6KFormat();

    public static WeightFormat IQ4_NL { get; } = new IQ4NlFormat();

    public static WeightFormat IQ4_XS { get; } = new IQ4XsFormat();

    public static WeightFormat MXFP4 { get; } = new Mxfp4Format();

    public static WeightFormat TQ1_0 { get; } = new TQ1Format();

    public static WeightFormat TQ2_0 { get; } = new TQ2Format();

    /// <summary>The format of one of the engine's types.</summary>
    public static WeightFormat Of(DType type) => type switch
    {
        DType.F64 => F64,
        DType.F32 => F32,
        DType.BF16 => BF16,
        DType.F16 => F16,
        DType.F8E4M3 => F8E4M3,
        DType.F8E5M2 => F8E5M2,
        DType.I64 => I64,
        DType.I32 => I32,
        DType.I8 => I8,
        DType.U8 => U8,
        DType.Bool => Bool,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "not a type of the engine"),
    };

    /// <summary>The format called <paramref name="name"/> whose numbers are known here ("BF16", "Q4_1", "F8_E4M3"), or null.</summary>
    public static WeightFormat? Find(string name) =>
        Array.Find<WeightFormat>([F64, F32, BF16, F16, F8E4M3, F8E5M2, I64, I32, I8, U8, Bool, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, IQ4_NL, IQ4_XS, MXFP4, TQ1_0, TQ2_0], f => f.Name == name);
}
