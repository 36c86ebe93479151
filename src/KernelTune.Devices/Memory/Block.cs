namespace KernelTune.Devices.Memory;

/// <summary>
/// A piece of a device's memory, reference-counted by scopes, views that outlive them and tape fields. At count 0 it goes back to the pool at once.
/// A block that the tape has saved may not be written: <see cref="GuardWrite"/> names both operations.
/// </summary>
public sealed class Block
{
    private int references = 1;
    private int saved;
    private string savedBy = "";

    internal Block(Device device, Pool pool, Chunk chunk, long bytes, long number, Category category, string owner)
    {
        Device = device;
        Pool = pool;
        Chunk = chunk;
        Bytes = bytes;
        Number = number;
        Category = category;
        Owner = owner;
        Address = chunk.Address;
    }

    /// <summary>The device that the memory belongs to.</summary>
    public Device Device { get; }

    /// <summary>Size in bytes, as asked for.</summary>
    public long Bytes { get; }

    /// <summary>Unique within the device.</summary>
    public long Number { get; }

    /// <summary>What the block is for.</summary>
    public Category Category { get; }

    /// <summary>The module path that asked for it; may be empty.</summary>
    public string Owner { get; }

    /// <summary>The first byte: a pointer on the CPU, a segment and a place in it on a GPU, a stand-in on <c>Shapes</c>, 0 for a block of no bytes.</summary>
    public nint Address { get; }

    /// <summary>How many hold it. 1: the holder may overwrite it.</summary>
    public int References => Volatile.Read(ref references);

    internal Pool Pool { get; }

    internal Chunk Chunk { get; }

    /// <summary>One more holder.</summary>
    public void Retain()
    {
        if (Interlocked.Increment(ref references) <= 1)
            throw new InvalidOperationException($"block {Number} ({Category.Label()}, {Owner}) was retained after it went back to the pool");
    }

    /// <summary>One holder fewer; the last one returns the block to the pool.</summary>
    public void Release()
    {
        int left = Interlocked.Decrement(ref references);
        if (left == 0)
            Device.Return(this);
        else if (left < 0)
            throw new InvalidOperationException($"block {Number} ({Category.Label()}, {Owner}) was released once too often");
    }

    /// <summary>The tape keeps the block's contents for the backward of <paramref name="operation"/>.</summary>
    public void Save(string operation)
    {
        Retain();
        savedBy = operation;
        Interlocked.Increment(ref saved);
    }

    /// <summary>The backward that needed the contents has run.</summary>
    public void Unsave()
    {
        Interlocked.Decrement(ref saved);
        Release();
    }

    /// <summary>Call before writing in place.</summary>
    /// <exception cref="InvalidOperationException">The tape has saved the contents.</exception>
    public void GuardWrite(string operation)
    {
        if (Volatile.Read(ref saved) > 0)
            throw new InvalidOperationException($"[{operation}] would overwrite a tensor that the backward of {savedBy} still needs");
    }
}
