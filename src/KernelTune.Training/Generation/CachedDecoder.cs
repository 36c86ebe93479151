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
/// A language model that continues batches of prompts over a cache of keys and values: the prompts run once, then one token a row and step. Padding in front of the shorter
/// prompts is masked, and positions count real tokens from 0. An encoder-decoder reads the prompts with its encoder, padded behind them, and its decoder begins with the start token;
/// all rows of a prompt share what the encoder made of it. Nothing is recorded. Methods that occupy the model's sites take part.
/// </summary>
/// <param name="model">The model, with its weights on <paramref name="device"/>.</param>
/// <param name="device">Where it runs.</param>
/// <param name="expectedNewTokens">How many tokens the cache has room for behind the prompts before it must grow.</param>
public sealed class CachedDecoder(CausalLanguageModel model, Device device, int expectedNewTokens = 256) : INextLogits, IDisposable
{
    private readonly Session session = new(device) { Phase = Phase.Generation };
    private KvCache? cache;
    private int[] padding = [];
    private float[] logits = [];

    // Where a row's padding ends never changes: one mask serves every length. I64 [rows, the cache's text]; absent where nothing is padded.
    private View mask;
    private long[] numbers = [];

    // Which of the source may be attended to, I64 [prompts, S]; absent where nothing is padded or nothing is read by an encoder.
    private View sourceMask;

    public int VocabularySize => model.VocabularySize;

    public int ContextLength => model.MaxPositions - model.VirtualTokens;

    public int? StartToken => (model as EncoderDecoder)?.StartToken;

    public ReadOnlySpan<float> Prefill(TokenBatch prompts, int copies = 1)
    {
        Forget();
        using var scope = session.Enter();
        var source = model is EncoderDecoder encoder ? Encode(encoder, prompts) : null;
        if (StartToken is { } start)
            prompts = new TokenBatch([.. Enumerable.Repeat((int[])[start], prompts.Rows)], start);
        cache = model.NewCache(device, prompts.Rows, model.VirtualTokens + prompts.Length + expectedNewTokens);
        padding = prompts.Padding.ToArray();
        logits = new float[prompts.Rows * copies * VocabularySize];
        MakeMask();
        var first = Run(prompts.Ids, prompts.Length, source);
        if (copies == 1)
            return first;
        cache.Spread(copies);
        padding = [.. padding.SelectMany(n => Enumerable.Repeat(n, copies))];
        MakeMask();
        return first;
    }

    /// <exception cref="InvalidOperationException">There was no <see cref="Prefill"/>.</exception>
    public ReadOnlySpan<float> Step(ReadOnlySpan<int> tokens)
    {
        if (cache is null)
            throw new InvalidOperationException("a step before any prompt was given");
        if (cache.Length == cache.Capacity)
        {
            cache.Grow(2 * cache.Capacity);
            MakeMask();
        }
        return Run(tokens, 1, null);
    }

    /// <exception cref="InvalidOperationException">There was no <see cref="Prefill"/>.</exception>
    public void Reorder(ReadOnlySpan<int> rows)
    {
        if (cache is null)
            throw new InvalidOperationException("rows change places before any prompt was given");
        using var scope = session.Enter();
        cache.Reorder(session.Upload(rows, new Shape(rows.Length), DType.I64).View);
    }

    public void Dispose()
    {
        Forget();
        session.Dispose();
    }

    private void Forget()
    {
        cache?.Dispose();
        cache = null;
        FreeMask();
        if (sourceMask.Exists)
            sourceMask.Block.Release();
        sourceMask = default;
    }

    // The cache takes what the layers make of the source; of the source itself only its mask is needed again.
    private EncodedSource Encode(EncoderDecoder encoder, TokenBatch prompts)
    {
        int rows = prompts.Rows, length = prompts.Length;
        var shape = new Shape(rows, length);
        var (ids, real) = (new long[rows * length], new long[rows * length]);
        for (int row = 0; row < rows; row++)
        {
            int[] read = prompts.PaddedBehind(row);
            for (int t = 0; t < length; t++)
                (ids[(row * length) + t], real[(row * length) + t]) = (read[t], t < length - prompts.Padding[row] ? 1 : 0);
        }
        bool padded = Array.Exists(real, n => n == 0);
        var encoded = encoder.Encode(new TokenInput(session.Upload<long>(ids, shape, DType.I64), KeyMask: padded ? session.Upload<long>(real, shape, DType.I64) : null));
        if (encoded.KeyMask is { } kept)
        {
            sourceMask = kept.View;
            sourceMask.Block.Retain();
        }
        return encoded;
    }

    // ids: [rows, length], behind what the cache holds. Masks and positions are the text's: a method that puts virtual tokens in front of it lengthens them.
    private ReadOnlySpan<float> Run(ReadOnlySpan<int> ids, int length, EncodedSource? source)
    {
        using var scope = session.Enter();
        int rows = padding.Length, seen = cache!.TextLength;
        var shape = new Shape(rows, length);
        var input = new TokenInput(session.Upload(ids, shape, DType.I64), Cache: cache)
        {
            Source = source ?? (model is EncoderDecoder ? new EncodedSource(null, sourceMask.Exists ? session.Wrap(sourceMask) : null) : null),
        };
        if (mask.Exists)
        {
            input = input with
            {
                Positions = session.Upload(Positions(seen, length), shape, DType.I64),
                PositionsEnd = Math.Min(seen + length - padding.Min(), ContextLength),
                KeyMask = session.Wrap(mask.Slice(1, 0, seen + length)),
            };
        }

        var hidden = model.Call(input);
        var last = Contiguous.Apply(Slice.Apply(hidden, 1, hidden.Shape[1] - 1, 1));
        var given = logits.AsSpan(0, rows * VocabularySize);
        device.Read(model.Logits(last).View, given);
        return given;
    }

    // A row that has ended may stand beyond the model's positions while others go on: what it is given no longer matters.
    private ReadOnlySpan<long> Positions(int seen, int length)
    {
        var positions = Numbers(padding.Length * length);
        for (int i = 0; i < positions.Length; i++)
            positions[i] = Math.Clamp(seen + (i % length) - padding[i / length], 0, ContextLength - 1);
        return positions;
    }

    private void MakeMask()
    {
        FreeMask();
        if (!Array.Exists(padding, n => n > 0))
            return;
        int length = cache!.Capacity;
        mask = device.Allocate(new Shape(padding.Length, length), DType.I64, Category.KvCache, "cache.mask");
        var values = new long[padding.Length * length];
        for (int i = 0; i < values.Length; i++)
            values[i] = i % length >= padding[i / length] ? 1 : 0;
        device.Write<long>(mask, values);
    }

    private void FreeMask()
    {
        if (mask.Exists)
            mask.Block.Release();
        mask = default;
    }

    private Span<long> Numbers(int count)
    {
        if (numbers.Length < count)
            numbers = new long[count];
        return numbers.AsSpan(0, count);
    }
}
