using KernelTune.Autograd;
using KernelTune.Autograd.Ops;
using KernelTune.Devices;
using KernelTune.Devices.Memory;
using KernelTune.Evaluation.Generation;
using KernelTune.Kernels.Numerics;
using KernelTune.Models;
using KernelTune.Modules;

namespace KernelTune.Training.Generation;

/// <summary>
/// A causal language model that continues batches of prompts over a cache of keys and values: the prompts run once, then one token a row and step. Padding in front of the shorter
/// prompts is masked, and positions count real tokens from 0. Nothing is recorded. Methods that occupy the model's sites take part.
/// </summary>
/// <param name="model">The model, with its weights on <paramref name="device"/>.</param>
/// <param name="device">Where it runs.</param>
/// <param name="expectedNewTokens">How many tokens the cache has room for behind the prompts before it must grow.</param>
public sealed class CachedDecoder(CausalLanguageModel model, Device device, int expectedNewTokens = 256) : INextLogits, IDisposable
{
    private readonly Session session = new(device) { Phase = Phase.Generation };
    private KvCache? cache;
    private int[] padding = [];
    private bool padded;
    private float[] logits = [];

    public int VocabularySize => model.VocabularySize;

    public int ContextLength => model.MaxPositions - model.VirtualTokens;

    public ReadOnlySpan<float> Prefill(TokenBatch prompts)
    {
        cache?.Dispose();
        cache = model.NewCache(device, prompts.Rows, model.VirtualTokens + prompts.Length + expectedNewTokens);
        padding = prompts.Padding.ToArray();
        padded = Array.Exists(padding, n => n > 0);
        logits = new float[prompts.Rows * VocabularySize];
        return Run(prompts.Ids, prompts.Length);
    }

    /// <exception cref="InvalidOperationException">There was no <see cref="Prefill"/>.</exception>
    public ReadOnlySpan<float> Step(ReadOnlySpan<int> tokens)
    {
        if (cache is null)
            throw new InvalidOperationException("a step before any prompt was given");
        if (cache.Length == cache.Capacity)
            cache.Grow(2 * cache.Capacity);
        return Run(tokens, 1);
    }

    public void Dispose()
    {
        cache?.Dispose();
        session.Dispose();
    }

    // ids: [rows, length], behind what the cache holds. Masks and positions are the text's: a method that puts virtual tokens in front of it lengthens them.
    private ReadOnlySpan<float> Run(ReadOnlySpan<int> ids, int length)
    {
        using var scope = session.Enter();
        int rows = padding.Length, seen = cache!.TextLength;
        var shape = new Shape(rows, length);
        var input = new TokenInput(session.Upload(ids, shape, DType.I64), Cache: cache);
        if (padded)
        {
            input = input with
            {
                Positions = session.Upload<long>(Positions(seen, length), shape, DType.I64),
                PositionsEnd = seen + length - padding.Min(),
                KeyMask = session.Upload<long>(KeyMask(seen + length), new Shape(rows, seen + length), DType.I64),
            };
        }

        var hidden = model.Call(input);
        var last = Contiguous.Apply(Slice.Apply(hidden, 1, hidden.Shape[1] - 1, 1));
        device.Read<float>(model.Logits(last).View, logits);
        return logits;
    }

    private long[] Positions(int seen, int length)
    {
        var positions = new long[padding.Length * length];
        for (int i = 0; i < positions.Length; i++)
            positions[i] = Math.Max(0, seen + (i % length) - padding[i / length]);
        return positions;
    }

    private long[] KeyMask(int length)
    {
        var mask = new long[padding.Length * length];
        for (int i = 0; i < mask.Length; i++)
            mask[i] = i % length >= padding[i / length] ? 1 : 0;
        return mask;
    }
}
