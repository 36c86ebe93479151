using KernelTune.Autograd;
using KernelTune.Autograd.Ops;
using KernelTune.Devices;
using KernelTune.Evaluation.Generation;
using KernelTune.Kernels.Numerics;
using KernelTune.Models;
using KernelTune.Modules;

namespace KernelTune.Conformance.Families;

/// <summary>Generation without a cache: every step runs the whole sequence again. What the cached way must equal.</summary>
internal sealed class RecomputingDecoder(CausalLanguageModel model, Device device) : INextLogits
{
    private readonly List<int[]> columns = [];
    private int[] padding = [];
    private int[][] sources = [];
    private float[] logits = [];

    public int VocabularySize => model.VocabularySize;

    public int ContextLength => model.MaxPositions;

    public int? StartToken => (model as EncoderDecoder)?.StartToken;

    public ReadOnlySpan<float> Prefill(TokenBatch prompts, int copies = 1)
    {
        columns.Clear();
        sources = [.. Enumerable.Range(0, prompts.Rows).Select(row => prompts.Prompt(row).ToArray())];
        if (StartToken is { } start)
            prompts = new TokenBatch([.. sources.Select(_ => (int[])[start])], start);
        padding = prompts.Padding.ToArray();
        for (int t = 0; t < prompts.Length; t++)
        {
            var column = new int[prompts.Rows];
            for (int row = 0; row < prompts.Rows; row++)
                column[row] = prompts.Row(row)[t];
            columns.Add(column);
        }

        ReadOnlySpan<float> first = Next();
        padding = [.. padding.SelectMany(n => Enumerable.Repeat(n, copies))];
        for (int t = 0; t < columns.Count; t++)
            columns[t] = [.. columns[t].SelectMany(id => Enumerable.Repeat(id, copies))];
        return first;
    }

    public void Reorder(ReadOnlySpan<int> rows)
    {
        int[] order = rows.ToArray();
        for (int t = 0; t < columns.Count; t++)
            columns[t] = [.. order.Select(row => columns[t][row])];
    }

    public ReadOnlySpan<float> Step(ReadOnlySpan<int> tokens)
    {
        columns.Add(tokens.ToArray());
        return Next();
    }

    private ReadOnlySpan<float> Next()
    {
        int rows = padding.Length, length = columns.Count;
        var shape = new Shape(rows, length);
        var (ids, mask, positions) = (new long[rows * length], new long[rows * length], new long[rows * length]);
        for (int i = 0; i < ids.Length; i++)
        {
            var (row, t) = (i / length, i % length);
            ids[i] = columns[t][row];
            mask[i] = t >= padding[row] ? 1 : 0;
            positions[i] = Math.Max(0, t - padding[row]);
        }

        using var session = new Session(device);
        var input = new TokenInput(session.Upload<long>(ids, shape, DType.I64), session.Upload<long>(positions, shape, DType.I64),
            session.Upload<long>(mask, shape, DType.I64), PositionsEnd: (int)positions.Max() + 1) { Source = Encoded(session) };
        Tensor last = Contiguous.Apply(Slice.Apply(model.Call(input), 1, length - 1, 1));
        logits = new float[rows * VocabularySize];
        device.Read<float>(model.Logits(last).View, logits);
        return logits;
    }

    // The sources again, padded on the right; copies of a prompt share its row.
    private EncodedSource? Encoded(Session session)
    {
        if (model is not EncoderDecoder encoder)
            return null;
        int length = sources.Max(s => s.Length);
        var shape = new Shape(sources.Length, length);
        long[] ids = [.. sources.SelectMany(s => s.Select(id => (long)id).Concat(Enumerable.Repeat(0L, length - s.Length)))];
        long[] mask = [.. sources.SelectMany(s => Enumerable.Range(0, length).Select(t => t < s.Length ? 1L : 0))];
        return encoder.Encode(new TokenInput(session.Upload<long>(ids, shape, DType.I64), KeyMask: session.Upload<long>(mask, shape, DType.I64)));
    }
}
