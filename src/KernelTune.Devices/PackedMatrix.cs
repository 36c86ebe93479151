using KernelTune.Devices.Memory;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Devices;

/// <summary>
/// A frozen weight W [N, K] kept once, as the panels that the product reads: in fp32, element (n, k) lies at ((n / 32)·K + k)·32 + n mod 32; rows beyond N are 0. Other storage is decoded while a
/// product packs. Forward products, look-ups of rows and backward products all read this one copy.
/// </summary>
public sealed class PackedMatrix
{
    /// <summary>Rows of W in a panel.</summary>
    public const int PanelRows = 32;

    public PackedMatrix(Block block, int rows, int columns, PanelStorage? storage = null)
    {
        Storage = storage ?? PanelStorage.Float32;
        Block = block;
        Rows = rows;
        Columns = columns;
    }

    public Block Block { get; }

    /// <summary>How the numbers lie in <see cref="Block"/>.</summary>
    public PanelStorage Storage { get; }

    /// <summary>True where <see cref="Panels"/> may be read as they stand.</summary>
    public bool IsFloat => ReferenceEquals(Storage, PanelStorage.Float32);

    /// <summary>N, the number of outputs.</summary>
    public int Rows { get; }

    /// <summary>K, the number of inputs.</summary>
    public int Columns { get; }

    /// <summary>Bytes that hold an [N, K] matrix in fp32 panels.</summary>
    public static long BytesFor(int rows, int columns) => (rows + PanelRows - 1L) / PanelRows * PanelRows * columns * sizeof(float);

    /// <summary>The panels as a dense tensor [panels, K, 32].</summary>
    public View Panels => new(Block, DType.F32, new Shape((Rows + PanelRows - 1) / PanelRows, Columns, PanelRows));
}

/// <summary>The [N, K] weight of a product: a view with one unit stride, or a frozen matrix in packed form.</summary>
public readonly struct WeightOperand
{
    public WeightOperand(View dense)
    {
        if (dense.Rank != 2)
            throw new ShapeException("linear", $"a weight must have 2 axes, not {dense.Shape}");
        Dense = dense;
    }

    public WeightOperand(PackedMatrix packed) => Packed = packed;

    /// <summary>The weight as a view; absent where <see cref="Packed"/> is set.</summary>
    public View Dense { get; }

    public PackedMatrix? Packed { get; }

    /// <summary>N, the number of outputs.</summary>
    public int Rows => Packed?.Rows ?? Dense.Shape[0];

    /// <summary>K, the number of inputs.</summary>
    public int Columns => Packed?.Columns ?? Dense.Shape[1];

    /// <summary>Bytes of the weight in memory.</summary>
    public long Bytes => Packed?.Block.Bytes ?? Dense.Bytes;

    public static implicit operator WeightOperand(PackedMatrix packed) => new(packed);

    public static implicit operator WeightOperand(View dense) => new(dense);
}
