using KernelTune.Autograd;
using KernelTune.Checkpoints;
using KernelTune.Devices;
using KernelTune.Kernels.Numerics;
using KernelTune.Modules;

namespace KernelTune.Models;

/// <summary>Weights into a model: from a checkpoint, strictly by name and shape, or drawn at random.</summary>
public static class ModelWeights
{
    /// <summary>
    /// Loads every base parameter of a model. Frozen matrices go straight into the device's packed form, a few rows at a time: no tensor is held twice.
    /// </summary>
    /// <returns>Names in the source that the model does not know: a warning.</returns>
    /// <exception cref="CheckpointException">A weight is missing or has another shape: nothing has been loaded then.</exception>
    public static IReadOnlyList<string> Load(CausalLanguageModel model, IWeightSource source, Device device, CancellationToken cancellation = default)
    {
        var keys = new List<(Parameter Parameter, string Key)>();
        var tied = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var parameter in model.BaseParameters())
        {
            string usual = parameter.Path;
            string key = model.CheckpointKeys(parameter).FirstOrDefault(k => source.TryGet(k, out _)) ?? usual;
            keys.Add((parameter, key));
            if (model.IsTied && ReferenceEquals(parameter, model.Head.Weight) && key != $"{model.Head.Path}.weight")
                tied.Add($"{model.Head.Path}.weight", key);
        }
        var known = source.Names.Where(model.IsKnownBuffer).ToHashSet(StringComparer.Ordinal);
        var extra = StrictKeys.Check(keys.Select(k => k.Key), known, tied, source);
        foreach (var (parameter, key) in keys)
        {
            var shape = parameter.Shape.ToArray().Select(n => (long)n).ToArray();
            if (ReferenceEquals(parameter, model.TokenTable.Weight) && source.Get(key).Shape is [var rows, _] && rows != model.VocabularySize)
                throw new CheckpointException(source.Location, $"it has {rows} rows where config.json's vocab_size is {model.VocabularySize}", tensor: key);
            StrictKeys.CheckShape(source, key, shape);
        }
        foreach (var (twin, key) in tied)
            CheckEqual(source, key, twin);
        foreach (var (parameter, key) in keys)
        {
            cancellation.ThrowIfCancellationRequested();
            if (parameter.Shape.Length < 2)
                parameter.Load(device, (_, _, numbers) => source.ReadF32(key, numbers));
            else
                parameter.Load(device, (first, count, numbers) => source.ReadF32Rows(key, first, count, numbers));
        }
        return extra;
    }

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

    /// <summary>
    /// Draws every base parameter as Transformers initialises it: matrices from a normal distribution of initializer_range, norms 1, biases 0. A function of seed and path alone.
    /// </summary>
    public static void Initialize(CausalLanguageModel model, Device device, ulong seed)
    {
        double range = model.Config.Double("initializer_range", 0.02);
        var norms = model.Tree().Where(m => m is RmsNorm or LayerNorm).SelectMany(m => m.OwnParameters).ToHashSet();
        foreach (var parameter in model.BaseParameters())
        {
            bool isBias = parameter.Path.EndsWith(".bias", StringComparison.Ordinal), isNorm = norms.Contains(parameter);
            var stream = new NormalStream(seed, parameter.Path);
            parameter.Load(device, (_, _, numbers) =>
            {
                if (isBias || isNorm)
                    numbers.Fill(isBias ? 0 : 1);
                else
                    stream.Fill(numbers, range);
            });
        }
    }
}

/// <summary>Normally distributed numbers in order, from Philox by Box and Muller's transform: a function of seed and name alone.</summary>
public sealed class NormalStream(ulong seed, string name)
{
    private readonly RandomPlace place = new(seed, StableHash.Site(name + "/init"), 0, 0);
    private uint block;
    private int have;
    private (double A, double B, double C, double D) ready;

    /// <summary>The next numbers of the stream, times <paramref name="deviation"/>.</summary>
    public void Fill(Span<float> numbers, double deviation)
    {
        for (int i = 0; i < numbers.Length; i++)
            numbers[i] = (float)(deviation * Next());
    }

    private double Next()
    {
        if (have == 0)
        {
            Philox.Block(place, block++, out KernelTune.Kernels.Lanes.U32 a, out var b, out var c, out var d);
            (ready.A, ready.B) = Pair(a.Value, b.Value);
            (ready.C, ready.D) = Pair(c.Value, d.Value);
            have = 4;
        }
        have--;
        return have switch { 3 => ready.A, 2 => ready.B, 1 => ready.C, _ => ready.D };
    }

    // u in (0, 1], so that its logarithm is finite.
    private static (double First, double Second) Pair(uint first, uint second)
    {
        double radius = Math.Sqrt(-2 * Math.Log((first + 1.0) / 4294967296.0)), angle = 2 * Math.PI * second / 4294967296.0;
        return (radius * Math.Cos(angle), radius * Math.Sin(angle));
    }
}
