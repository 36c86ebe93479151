namespace KernelTune.Kernels.Numerics;

/// <summary>The type of one element in memory. A quantised weight is not a DType: it is a matrix with buffers of these.</summary>
public enum DType : byte
{
    F64,
    F32,
    BF16,
    F16,
    F8E4M3,
    F8E5M2,
    I64,
    I32,
    I8,
    U8,
    Bool,
}

/// <summary>Facts about element types.</summary>
public static class DTypes
{
    /// <summary>Bytes of one element.</summary>
    public static int Size(this DType type) => type switch
    {
        DType.F64 or DType.I64 => 8,
        DType.F32 or DType.I32 => 4,
        DType.BF16 or DType.F16 => 2,
        _ => 1,
    };

    /// <summary>True for the types that hold real numbers.</summary>
    public static bool IsFloating(this DType type) => type <= DType.F8E5M2;
}
