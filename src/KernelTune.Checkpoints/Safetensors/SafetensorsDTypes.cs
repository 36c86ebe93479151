namespace KernelTune.Checkpoints;

/// <summary>
/// The type names of the safetensors format, in the library's own order: by rising alignment, which is the order (from the back) in which
/// the library lays tensors out.
/// </summary>
internal static class SafetensorsDTypes
{
    private static readonly WeightFormat[] Ordered =
    [
        WeightFormats.Bool,
        new OpaqueFormat("F4", null, 2, 1),
        new OpaqueFormat("F6_E2M3", null, 4, 3),
        new OpaqueFormat("F6_E3M2", null, 4, 3),
        WeightFormats.U8,
        WeightFormats.I8,
        WeightFormats.F8E5M2,
        WeightFormats.F8E4M3,
        new OpaqueFormat("F8_E8M0", null, 1, 1),
        new OpaqueFormat("F8_E4M3FNUZ", null, 1, 1),
        new OpaqueFormat("F8_E5M2FNUZ", null, 1, 1),
        new OpaqueFormat("I16", null, 1, 2),
        new OpaqueFormat("U16", null, 1, 2),
        WeightFormats.F16,
        WeightFormats.BF16,
        WeightFormats.I32,
        new OpaqueFormat("U32", null, 1, 4),
        WeightFormats.F32,
        new OpaqueFormat("C64", null, 1, 8),
        WeightFormats.F64,
        WeightFormats.I64,
        new OpaqueFormat("U64", null, 1, 8),
    ];

    /// <summary>The names that a message lists.</summary>
    public static string Supported { get; } = string.Join(", ", Ordered.Where(f => f.Scalar is not null).Select(f => f.Name));

    /// <summary>The format called <paramref name="name"/>, or null.</summary>
    public static WeightFormat? Find(string name) => Array.Find(Ordered, f => f.Name == name);

    /// <summary>The place of a format in the library's order.</summary>
    public static int Rank(WeightFormat format) => Array.IndexOf(Ordered, format);
}
