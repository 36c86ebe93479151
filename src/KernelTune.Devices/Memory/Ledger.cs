namespace KernelTune.Devices.Memory;

/// <summary>One thing that happened to a block: it was handed out (<paramref name="Bytes"/> &gt; 0) or came back (&lt; 0).</summary>
/// <param name="Block">The block's number, unique within the device.</param>
/// <param name="Bytes">Its size; negative when it is given back.</param>
/// <param name="Category">What it is for.</param>
/// <param name="Owner">Module path that asked for it; may be empty.</param>
/// <param name="Phase">The part of the step.</param>
/// <param name="Call">The call or operation for which it was made; may be empty.</param>
public readonly record struct LedgerEvent(long Block, long Bytes, Category Category, string Owner, Phase Phase, string Call);

/// <summary>
/// The account of a device's memory: an event stream, with counters that are always kept (current and peak bytes by category).
/// The peak by category is what each held at the moment of the greatest total.
/// </summary>
public sealed class Ledger
{
    private readonly Lock gate = new();
    private readonly long[] current = new long[Categories.Count];
    private readonly long[] atPeak = new long[Categories.Count];
    private long total;
    private long peak;
    private Action<LedgerEvent>? listeners;

    /// <summary>Called for every event, in order, under the ledger's lock; costs nothing while nobody listens.</summary>
    public event Action<LedgerEvent> Events
    {
        add { lock (gate) listeners += value; }
        remove { lock (gate) listeners -= value; }
    }

    /// <summary>Bytes handed out now.</summary>
    public long Current { get { lock (gate) return total; } }

    /// <summary>The greatest value that <see cref="Current"/> has had since the last <see cref="ResetPeak"/>.</summary>
    public long Peak { get { lock (gate) return peak; } }

    /// <summary>Bytes of one category handed out now.</summary>
    public long CurrentOf(Category category)
    {
        lock (gate)
            return current[(int)category];
    }

    /// <summary>Bytes by category at the moment of the peak, indexed by <see cref="Category"/>.</summary>
    public long[] AtPeak()
    {
        lock (gate)
            return (long[])atPeak.Clone();
    }

    /// <summary>Forgets the past peak: the peak is what is held now.</summary>
    public void ResetPeak()
    {
        lock (gate)
        {
            peak = total;
            current.CopyTo(atPeak, 0);
        }
    }

    internal void Book(in LedgerEvent change)
    {
        lock (gate)
        {
            current[(int)change.Category] += change.Bytes;
            total += change.Bytes;
            if (total > peak)
            {
                peak = total;
                current.CopyTo(atPeak, 0);
            }
            listeners?.Invoke(change);
        }
    }
}
