using KernelTune.Autograd;
using KernelTune.Checkpoints;
using KernelTune.Devices;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Models;

/// <summary>Weights into a model: from a checkpoint, strictly by name and shape, or drawn at random.</summary>
public static class ModelWeights
{
    /// <summary>
    /// Loads every base parameter and buffer of a model. Frozen matrices go straight into the device's packed form, a few rows at a time; a transposed one stands on the host whole for that moment.
    /// </summary>
    /// <param name="model">Where to.</param>
    /// <param name="source">Where from.</param>
    /// <param name="device">Where the weights will lie.</param>
    /// <param name="fresh">Parameters that are not read: a new head. They are left without a value.</param>
    /// <param name="cancellation">Ends the loading.</param>
    /// <returns>Names in the source that the model does not know: a warning.</returns>
    /// <exception cref="CheckpointException">A weight is missing or has another shape: nothing has been loaded then.</exception>
    public static IReadOnlyList<string> Load(IPretrainedModel model, IWeightSource source, Device device, IReadOnlySet<Parameter>? fresh = null, CancellationToken cancellation = default)
    {
        var keys = new List<(Parameter Parameter, string Key)>();
        var zero = new List<Parameter>();
        var tied = new Dictionary<string, string>(StringComparer.Ordinal);
        var twins = model.Twins.ToLookup(t => t.Parameter, t => t.Twin);
        var known = source.Names.Where(model.IsKnownBuffer).ToHashSet(StringComparer.Ordinal);
        var counts = new List<(Parameter Parameter, string Key)>();
        foreach (var parameter in model.Root.SavedParameters())
        {
            string key = model.CheckpointKeys(parameter).FirstOrDefault(k => source.TryGet(k, out _)) ?? model.CheckpointKeys(parameter).First();
            if (parameter.StoredType == DType.I64)
            {
                // Counts came late to the format: files without them begin at 0.
                known.Add(key);
                counts.Add((parameter, key));
                if (source.TryGet(key, out _))
                    StrictKeys.CheckShape(source, key, ShapeOf(parameter));
                continue;
            }
            if (fresh?.Contains(parameter) == true)
            {
                known.Add(key);
                continue;
            }
            if (parameter.ZeroWhereAbsent && !source.TryGet(key, out _))
            {
                zero.Add(parameter);
                continue;
            }
            keys.Add((parameter, key));
            foreach (string twin in twins[parameter].Where(t => t != key))
                tied.Add(twin, key);
        }
        var extra = StrictKeys.Check(keys.Select(k => k.Key), known, tied, source);
        foreach (var (parameter, key) in keys)
        {
            if (model.ExplainShape(parameter, source.Get(key).Shape) is { } why)
                throw new CheckpointException(source.Location, why, tensor: key);
            StrictKeys.CheckShape(source, key, ShapeOf(parameter));
        }
        foreach (var (twin, key) in tied)
            CheckEqual(source, key, twin);
        foreach (var parameter in zero)
            parameter.Load(device, new float[parameter.Shape.Elements]);
        foreach (var (parameter, key) in keys)
        {
            cancellation.ThrowIfCancellationRequested();
            if (parameter.KeepsBlocks(device))
                parameter.LoadBlocks(device, (first, count, bytes) => source.ReadRawRows(key, first, count, bytes));
            else if (ResizedTables.Stored(source, key) is BitsAndBytesWeights quantized && parameter.KeepsCodes(device) && quantized.TryCodes(key, out var codes))
                parameter.Load(device, codes);
            else if (parameter.Shape.Length < 2)
                parameter.Load(device, (_, _, numbers) => source.ReadF32(key, numbers));
            else
                parameter.Load(device, (first, count, numbers) => source.ReadF32Rows(key, first, count, numbers));
        }
        foreach (var (parameter, key) in counts)
            parameter.Load(device, source.TryGet(key, out _) ? StoredNumbers.Read(source, key) : new float[parameter.Shape.Elements]);
        return extra;
    }

    private static long[] ShapeOf(Parameter parameter) => [.. parameter.Shape.ToArray().Select(n => (long)n)];

    // A head that the configuration ties, but that the file holds as well, must be the same table: else the file was trained untied.
    private static void CheckEqual(IWeightSource source, string key, string twin)
    {
        if (!source.TryGet(twin, out var head))
            return;
        var table = source.Get(key);
        bool same = head.Shape.SequenceEqual(table.Shape);
        int width = checked((int)table.RowElements), most = Math.Max(1, (1 << 18) / Math.Max(1, width));
        var (first, second) = (new float[most * width], new float[most * width]);
        for (int at = 0; same && at < table.Rows; at += most)
        {
            int rows = (int)Math.Min(most, table.Rows - at);
            source.ReadF32Rows(key, at, rows, first.AsSpan(0, rows * width));
            source.ReadF32Rows(twin, at, rows, second.AsSpan(0, rows * width));
            same = first.AsSpan(0, rows * width).SequenceEqual(second.AsSpan(0, rows * width));
        }
        if (!same)
            throw new CheckpointException(source.Location, $"it differs from {key}, to which config.json ties it; \"tie_word_embeddings\": false wanted there", tensor: twin);
    }

    /// <summary>Draws every base parameter and sets every buffer as the model says. A function of seed and path alone.</summary>
    /// <param name="model">The model.</param>
    /// <param name="device">Where the weights will lie.</param>
    /// <param name="seed">The run's.</param>
    /// <param name="only">Only these: a new head; null: all.</param>
    public static void Initialize(IPretrainedModel model, Device device, ulong seed, IReadOnlySet<Parameter>? only = null)
    {
        foreach (var parameter in model.Root.SavedParameters())
        {
            if (only?.Contains(parameter) == false)
                continue;
            var fresh = model.Fresh(parameter);
            var stream = new RandomStream(seed, parameter.Path);
            parameter.Load(device, (_, _, numbers) => stream.Fill(numbers, fresh));
        }
    }
}
