using KernelTune.Autograd;
using KernelTune.Devices;
using KernelTune.Devices.Calls;
using KernelTune.Devices.Memory;

namespace KernelTune.Modules;

/// <summary>Keys and values of past tokens, one static buffer a layer: [B, capacity, Hkv, D]. Its addresses change only when it grows or its rows are multiplied.</summary>
public sealed class KvCache : IDisposable
{
    private readonly Device device;
    private readonly View[] keys;
    private readonly View[] values;

    // Of a source that an encoder has read, [rows of the source, S, H, D]; absent until a layer keeps them.
    private readonly View[] sourceKeys;
    private readonly View[] sourceValues;

    // Where rows that change places pass through, [B, capacity − shared, Hkv, D]; made when rows first do.
    private View passage;
    private int shared;

    /// <param name="device">Where it lies.</param>
    /// <param name="layers">Attention layers of the model.</param>
    /// <param name="batch">Rows.</param>
    /// <param name="capacity">The most tokens a row.</param>
    /// <param name="heads">Key/value heads.</param>
    /// <param name="headDim">Channels of a head.</param>
    public KvCache(Device device, int layers, int batch, int capacity, int heads, int headDim)
    {
        this.device = device;
        Capacity = capacity;
        keys = new View[layers];
        values = new View[layers];
        sourceKeys = new View[layers];
        sourceValues = new View[layers];
        var shape = new Shape(batch, capacity, heads, headDim);
        for (int i = 0; i < layers; i++)
        {
            keys[i] = device.Allocate(shape, device.Real, Category.KvCache, $"cache.{i}.key");
            values[i] = device.Allocate(shape, device.Real, Category.KvCache, $"cache.{i}.value");
        }
    }

    /// <summary>Tokens a row that it has seen.</summary>
    public int Length { get; private set; }

    /// <summary>How many of them, the first ones, are virtual tokens that a method has put in front of the text.</summary>
    public int VirtualTokens { get; set; }

    /// <summary>Tokens of the text that it has seen.</summary>
    public int TextLength => Length - VirtualTokens;

    /// <summary>The most tokens a row.</summary>
    public int Capacity { get; private set; }

    /// <summary>Moves what it holds to buffers for <paramref name="capacity"/> tokens a row, one layer at a time.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It holds more than that.</exception>
    public void Grow(int capacity)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, Length);
        FreePassage();
        for (int i = 0; i < keys.Length; i++)
        {
            keys[i] = Moved(keys[i], 1, capacity);
            values[i] = Moved(values[i], 1, capacity);
        }
        Capacity = capacity;
    }

    /// <summary>Every row becomes <paramref name="copies"/> rows side by side, one layer at a time. What the cache holds now is common to them: <see cref="Reorder"/> leaves it where it is.</summary>
    public void Spread(int copies)
    {
        for (int i = 0; i < keys.Length; i++)
        {
            keys[i] = Moved(keys[i], copies, Capacity);
            values[i] = Moved(values[i], copies, Capacity);
        }
        shared = Length;
    }

    /// <summary>Row i takes what row <paramref name="rows"/>[i] holds beyond what is common to the copies of a row.</summary>
    /// <param name="rows">I64 [B]: each a copy of the same row.</param>
    public void Reorder(in View rows)
    {
        int moved = Length - shared;
        if (moved == 0)
            return;
        if (!passage.Exists)
            passage = device.Allocate(keys[0].Shape.With(1, Capacity - shared), keys[0].Type, Category.KvCache, "cache.reorder");
        for (int i = 0; i < keys.Length; i++)
        {
            Exchange(keys[i].Slice(1, shared, moved), rows);
            Exchange(values[i].Slice(1, shared, moved), rows);
        }
    }

    /// <summary>Counts the tokens of a finished forward pass.</summary>
    public void Advance(int tokens) => Length += tokens;

    /// <summary>Stores the new keys and values of a layer behind the old ones and gives all of them: [B, Length + T, Hkv, D].</summary>
    /// <exception cref="InvalidOperationException">More tokens than the capacity.</exception>
    public (Tensor Keys, Tensor Values) Append(Session session, int layer, Tensor k, Tensor v)
    {
        int added = k.Shape[1];
        if (Length + added > Capacity)
            throw new InvalidOperationException($"the key/value cache holds {Capacity} tokens a row; {Length} are in it and {added} came");
        session.Device.Run(new CopyCall(k.View, keys[layer].Slice(1, Length, added)));
        session.Device.Run(new CopyCall(v.View, values[layer].Slice(1, Length, added)));
        return (session.Wrap(keys[layer].Slice(1, 0, Length + added)), session.Wrap(values[layer].Slice(1, 0, Length + added)));
    }

    /// <summary>Keeps a layer's keys and values of the source, [B, S, H, D]: they are the same at every step, and for every copy of a row.</summary>
    public void KeepSource(int layer, Tensor k, Tensor v) => (sourceKeys[layer], sourceValues[layer]) = (Kept(k, layer, "key"), Kept(v, layer, "value"));

    /// <summary>A layer's keys and values of the source; null: none are kept.</summary>
    public (Tensor Keys, Tensor Values)? Source(Session session, int layer) =>
        sourceKeys[layer].Exists ? (session.Wrap(sourceKeys[layer]), session.Wrap(sourceValues[layer])) : null;

    public void Dispose()
    {
        foreach (var view in keys.Concat(values).Concat(sourceKeys).Concat(sourceValues).Where(v => v.Exists))
            view.Block.Release();
        FreePassage();
    }

    private View Kept(Tensor tensor, int layer, string what)
    {
        var view = device.Allocate(tensor.Shape, tensor.Type, Category.KvCache, $"cache.{layer}.source.{what}");
        device.Run(new CopyCall(tensor.View, view));
        return view;
    }

    private View Moved(in View old, int copies, int capacity)
    {
        var (batch, heads, headDim) = (old.Shape[0], old.Shape[2], old.Shape[3]);
        var moved = device.Allocate(new Shape(batch * copies, capacity, heads, headDim), old.Type, Category.KvCache, old.Block.Owner);
        var to = moved.Reshape(new Shape(batch, copies, capacity, heads, headDim)).Slice(2, 0, Length);
        device.Run(new CopyCall(old.Slice(1, 0, Length).Unsqueeze(1).Broadcast(to.Shape), to));
        old.Block.Release();
        return moved;
    }

    private void Exchange(in View held, in View rows)
    {
        int batch = held.Shape[0], width = checked((int)(held.Elements / batch));
        var table = held.Reshape(new Shape(batch, width));
        var taken = new View(passage.Block, passage.Type, table.Shape);
        device.Run(new GatherCall(table, rows, taken));
        device.Run(new CopyCall(taken, table));
    }

    private void FreePassage()
    {
        if (passage.Exists)
            passage.Block.Release();
        passage = default;
    }
}
