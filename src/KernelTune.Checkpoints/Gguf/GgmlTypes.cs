namespace KernelTune.Checkpoints;

/// <summary>ggml's tensor types by their numbers in a GGUF file (ggml.h, enum ggml_type). Those that are not decoded here are known by size and name.</summary>
internal static class GgmlTypes
{
    private static readonly Dictionary<uint, WeightFormat> ById = new()
    {
        [0] = WeightFormats.F32,
        [1] = WeightFormats.F16,
        [2] = WeightFormats.Q4_0,
        [3] = WeightFormats.Q4_1,
        [6] = WeightFormats.Q5_0,
        [7] = WeightFormats.Q5_1,
        [8] = WeightFormats.Q8_0,
        [9] = new OpaqueFormat("Q8_1", null, 32, 36),
        [10] = WeightFormats.Q2_K,
        [11] = WeightFormats.Q3_K,
        [12] = WeightFormats.Q4_K,
        [13] = WeightFormats.Q5_K,
        [14] = WeightFormats.Q6_K,
        [15] = new OpaqueFormat("Q8_K", null, 256, 292),
        [16] = new OpaqueFormat("IQ2_XXS", null, 256, 66),
        [17] = new OpaqueFormat("IQ2_XS", null, 256, 74),
        [18] = new OpaqueFormat("IQ3_XXS", null, 256, 98),
        [19] = new OpaqueFormat("IQ1_S", null, 256, 50),
        [20] = WeightFormats.IQ4_NL,
        [21] = new OpaqueFormat("IQ3_S", null, 256, 110),
        [22] = new OpaqueFormat("IQ2_S", null, 256, 82),
        [23] = WeightFormats.IQ4_XS,
        [24] = WeightFormats.I8,
        [25] = new OpaqueFormat("I16", null, 1, 2),
        [26] = WeightFormats.I32,
        [27] = WeightFormats.I64,
        [28] = WeightFormats.F64,
        [29] = new OpaqueFormat("IQ1_M", null, 256, 56),
        [30] = WeightFormats.BF16,
        [34] = WeightFormats.TQ1_0,
        [35] = WeightFormats.TQ2_0,
        [39] = WeightFormats.MXFP4,
    };

    public static WeightFormat? Find(uint id) => ById.GetValueOrDefault(id);

    /// <summary>The number of a format; false where GGUF has none for it.</summary>
    public static bool TryId(WeightFormat format, out uint id)
    {
        foreach (var (number, known) in ById)
        {
            if (ReferenceEquals(known, format))
            {
                id = number;
                return true;
            }
        }

        id = 0;
        return false;
    }
}
