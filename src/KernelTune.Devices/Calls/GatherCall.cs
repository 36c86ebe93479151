namespace KernelTune.Devices.Calls;

/// <summary>Primitive: y[i, :] = table[ids[i], :]. Table: [V, D] as a view or packed panels; Ids: I64 [n]; Y: [n, D]. Every id is in [0, V).</summary>
public readonly record struct GatherCall(WeightOperand Table, View Ids, View Y) : ICall
{
    public static string Name => "gather";

    public long Flops => 0;

    public long Bytes => 2 * Y.Bytes;

    public void Compose(Device device) => throw Primitive.Missing(device, Name);
}

/// <summary>
/// Primitive: table[ids[i], :] += x[i, :], one owner a destination row, in the order of i. X: [n, D]; Ids: I64 [n]; Table: [V, D].
/// Rows whose id is <paramref name="Skip"/> (a padding row; −1: none) add nothing.
/// </summary>
public readonly record struct ScatterAddCall(View X, View Ids, View Table, int Skip = -1) : ICall
{
    public static string Name => "scatter_add";

    public long Flops => X.Elements;

    public long Bytes => 3 * X.Bytes;

    public void Compose(Device device) => throw Primitive.Missing(device, Name);
}
