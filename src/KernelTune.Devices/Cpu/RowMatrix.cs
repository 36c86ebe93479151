using KernelTune.Kernels.Numerics;

namespace KernelTune.Devices.Cpu;

/// <summary>A view as evenly spaced dense rows of floats: what the row kernels read.</summary>
internal readonly unsafe struct RowMatrix
{
    /// <summary>About how many elements a piece of work has.</summary>
    private const int Grain = 16384;

    public RowMatrix(in View view)
    {
        view.TryMatrix(out long rows, out long leading);
        Start = (float*)view.Address;
        Step = rows == 1 ? view.Shape[^1] : leading;
        Rows = rows;
        Columns = view.Shape[^1];
    }

    public float* Start { get; }

    /// <summary>Elements from row to row.</summary>
    public long Step { get; }

    public long Rows { get; }

    public int Columns { get; }

    /// <summary>Rows that one piece of work takes; the same for every number of threads.</summary>
    public long RowsAtOnce => Math.Max(1, Grain / Math.Max(1, Columns));

    /// <summary>The number of pieces of work.</summary>
    public int Items => checked((int)((Rows + RowsAtOnce - 1) / RowsAtOnce));

    /// <summary>True where a view can be read so.</summary>
    public static bool Suits(in View view) => view.Type == DType.F32 && view.Rank > 0 && view.IsRowDense && view.TryMatrix(out _, out _);

    /// <summary>True where a vector is absent, or dense floats.</summary>
    public static bool SuitsVector(in View view) => !view.Exists || (view.Type == DType.F32 && view.IsDense);

    /// <summary>The address of an optional vector.</summary>
    public static float* Vector(in View view) => view.Exists ? (float*)view.Address : null;
}
