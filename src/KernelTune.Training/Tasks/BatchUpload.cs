using KernelTune.Autograd;
using KernelTune.Data;
using KernelTune.Devices;
using KernelTune.Kernels.Numerics;
using KernelTune.Modules;

namespace KernelTune.Training.Tasks;

/// <summary>Batches onto a device.</summary>
public static class BatchUpload
{
    /// <summary>The model's input and what each position must predict: labels shifted by one, −100 where there is nothing.</summary>
    /// <param name="session">Where to.</param>
    /// <param name="batch">The batch.</param>
    /// <param name="withFirst">Whether the labels of the rows' first tokens are wanted: something stands before them that predicts them.</param>
    public static (TokenInput Input, Tensor Targets) Of(Session session, Batch batch, bool withFirst = false)
    {
        var shape = new Shape(batch.Rows, batch.Columns);
        var ids = session.Upload<int>(batch.InputIds, shape, DType.I64);
        var targets = session.Upload<int>(Shifted(batch), shape, DType.I64);
        var positions = batch.PositionIds is { } given && (batch.CuSeqLens is not null || PadsLeft(batch)) ? session.Upload<int>(given, shape, DType.I64) : null;
        var mask = PadsLeft(batch) ? session.Upload<int>(batch.AttentionMask!, shape, DType.I64) : null;
        var starts = batch.CuSeqLens is { } cu ? session.Upload<int>(cu, new Shape(cu.Length), DType.I64) : null;
        int? end = positions is null ? null : batch.PositionIds!.Max() + 1;
        var first = withFirst ? session.Upload<int>(First(batch), new Shape(batch.Rows, 1), DType.I64) : null;
        return (new TokenInput(ids, positions, mask, starts, PositionsEnd: end, FirstLabels: first), targets);
    }

    // Padding on the right needs no mask under a causal one: no real token sees it, and its own labels are ignored.
    private static bool PadsLeft(Batch batch)
    {
        if (batch.AttentionMask is not { } mask)
            return false;
        for (int row = 0; row < batch.Rows; row++)
        {
            if (batch.Columns > 0 && mask[row * batch.Columns] == 0)
                return true;
        }
        return false;
    }

    private static int[] First(Batch batch) => [.. Enumerable.Range(0, batch.Rows).Select(row => batch.Labels[row * batch.Columns])];

    private static int[] Shifted(Batch batch)
    {
        var targets = new int[batch.Labels.Length];
        for (int row = 0; row < batch.Rows; row++)
        {
            int at = row * batch.Columns;
            for (int t = 0; t < batch.Columns; t++)
                targets[at + t] = t + 1 < batch.Columns ? batch.Labels[at + t + 1] : -100;
        }
        return targets;
    }
}
