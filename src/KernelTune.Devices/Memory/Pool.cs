using System.Numerics;

namespace KernelTune.Devices.Memory;

/// <summary>A contiguous part of a segment: free or handed out. Neighbours are linked in address order, free ones also in their bin.</summary>
internal sealed class Chunk
{
    public Segment Segment = null!;
    public long Offset;
    public long Size;
    public bool Free;
    public Chunk? Before;
    public Chunk? After;
    public Chunk? BinPrevious;
    public Chunk? BinNext;

    public nint Address => Size == 0 ? 0 : (nint)(Segment.Address + Offset);
}

/// <summary>One allocation from the device's own memory. <see cref="HighWater"/>: the greatest end that was ever handed out, so the part that can be resident.</summary>
internal sealed class Segment
{
    public int Index;
    public nint Address;
    public long Bytes;
    public long HighWater;
}

/// <summary>
/// Hands out aligned blocks of segments: two-level bins (eight to a power of two), neighbours coalesce. Given the same calls it gives the same
/// addresses relative to its segments, with memory or (on <c>Shapes</c>) without: so a prediction sees the same fragmentation as the run.
/// </summary>
public sealed class Pool
{
    private const int Steps = 8;
    private readonly Lock gate = new();
    private readonly Func<long, nint> allocate;
    private readonly Action<nint> release;
    private readonly long segmentBytes;
    private readonly int alignment;
    private readonly long pageBytes;
    private readonly Chunk?[] bins = new Chunk?[64 * Steps];
    private readonly List<Segment> segments = [];
    private readonly Stack<Chunk> spare = new();

    /// <summary>
    /// A pool whose segments come from <paramref name="allocate"/> (bytes → address, 0 on failure) and are at least <paramref name="segmentBytes"/> long. What is touched of one becomes resident in whole pages
    /// of <paramref name="pageBytes"/>.
    /// </summary>
    public Pool(Func<long, nint> allocate, Action<nint> release, long segmentBytes, int alignment, long pageBytes = 1)
    {
        this.pageBytes = pageBytes;
        this.allocate = allocate;
        this.release = release;
        this.segmentBytes = segmentBytes;
        this.alignment = alignment;
    }

    /// <summary>Bytes handed out.</summary>
    public long Outstanding { get; private set; }

    /// <summary>Bytes that can be resident: the sum over segments of the greatest end ever handed out, in whole pages.</summary>
    public long Touched
    {
        get
        {
            lock (gate)
            {
                long sum = 0;
                foreach (var s in segments)
                    sum += Math.Min(s.Bytes, (s.HighWater + pageBytes - 1) / pageBytes * pageBytes);
                return sum;
            }
        }
    }

    /// <summary>Hands out <paramref name="bytes"/>, or null when the device has no more.</summary>
    internal Chunk? Take(long bytes)
    {
        long size = (bytes + alignment - 1) / alignment * alignment;
        lock (gate)
        {
            if (size == 0)
                return new Chunk { Segment = new Segment() };
            var chunk = Find(size) ?? Grow(size);
            if (chunk is null)
                return null;
            Unlink(chunk);
            Split(chunk, size);
            chunk.Free = false;
            Outstanding += size;
            chunk.Segment.HighWater = Math.Max(chunk.Segment.HighWater, chunk.Offset + size);
            return chunk;
        }
    }

    internal void Give(Chunk chunk)
    {
        if (chunk.Size == 0)
            return;
        lock (gate)
        {
            Outstanding -= chunk.Size;
            chunk.Free = true;
            if (chunk.After is { Free: true } after)
            {
                Unlink(after);
                Absorb(chunk, after);
            }
            if (chunk.Before is { Free: true } before)
            {
                Unlink(before);
                Absorb(before, chunk);
                chunk = before;
            }
            Link(chunk);
        }
    }

    /// <summary>Gives every segment back to the device. Nothing may be outstanding.</summary>
    internal void Clear()
    {
        lock (gate)
        {
            foreach (var s in segments)
                release(s.Address);
            segments.Clear();
            Array.Clear(bins);
            Outstanding = 0;
        }
    }

    // The bin of a free chunk: the greatest class not above its size.
    private static int BinOf(long size)
    {
        int log = 63 - BitOperations.LeadingZeroCount((ulong)size);
        int step = log >= 3 ? (int)((size >> (log - 3)) & (Steps - 1)) : 0;
        return (log * Steps) + step;
    }

    // The smallest chunk that fits, by size and then by address: looked for in the size's own bin, then in the bins above.
    private Chunk? Find(long size)
    {
        for (int bin = BinOf(size); bin < bins.Length; bin++)
        {
            Chunk? best = null;
            for (var c = bins[bin]; c is not null; c = c.BinNext)
            {
                if (c.Size >= size && (best is null || IsBefore(c, best)))
                    best = c;
            }
            if (best is not null)
                return best;
        }
        return null;
    }

    // The free chunks are the gaps between what is handed out, so with this order the choice depends on that alone: a step repeats its addresses.
    private static bool IsBefore(Chunk a, Chunk b) => a.Size != b.Size ? a.Size < b.Size
        : a.Segment != b.Segment ? a.Segment.Index < b.Segment.Index : a.Offset < b.Offset;

    private Chunk? Grow(long size)
    {
        long bytes = Math.Max(size, segmentBytes);
        nint address = allocate(bytes);
        if (address == 0)
            return null;
        var segment = new Segment { Index = segments.Count, Address = address, Bytes = bytes };
        segments.Add(segment);
        var chunk = Fresh();
        (chunk.Segment, chunk.Offset, chunk.Size, chunk.Free) = (segment, 0, bytes, true);
        Link(chunk);
        return chunk;
    }

    private void Split(Chunk chunk, long size)
    {
        long rest = chunk.Size - size;
        if (rest == 0)
            return;
        var tail = Fresh();
        (tail.Segment, tail.Offset, tail.Size, tail.Free) = (chunk.Segment, chunk.Offset + size, rest, true);
        (tail.Before, tail.After) = (chunk, chunk.After);
        if (chunk.After is not null)
            chunk.After.Before = tail;
        chunk.After = tail;
        chunk.Size = size;
        Link(tail);
    }

    private void Absorb(Chunk left, Chunk right)
    {
        left.Size += right.Size;
        left.After = right.After;
        if (right.After is not null)
            right.After.Before = left;
        (right.Segment, right.Before, right.After) = (null!, null, null);
        spare.Push(right);
    }

    private void Link(Chunk chunk)
    {
        int bin = BinOf(chunk.Size);
        (chunk.BinPrevious, chunk.BinNext) = (null, bins[bin]);
        if (bins[bin] is { } first)
            first.BinPrevious = chunk;
        bins[bin] = chunk;
    }

    private void Unlink(Chunk chunk)
    {
        if (chunk.BinPrevious is { } previous)
            previous.BinNext = chunk.BinNext;
        else
            bins[BinOf(chunk.Size)] = chunk.BinNext;
        if (chunk.BinNext is { } next)
            next.BinPrevious = chunk.BinPrevious;
        (chunk.BinPrevious, chunk.BinNext) = (null, null);
    }

    private Chunk Fresh() => spare.TryPop(out var chunk) ? chunk : new Chunk();
}
