using System.Diagnostics;
using KernelTune.Devices;

namespace KernelTune.Bench;

/// <summary>The time of each kind of call within whole steps, with the work that its record states. A composition counts as the call that it composes.</summary>
internal sealed class CallProfile : ICallObserver
{
    private readonly SortedDictionary<string, Line> lines = new(StringComparer.Ordinal);
    private int depth;
    private long began;

    /// <summary>The time, FLOPs and bytes of one kind.</summary>
    public sealed record Line(string Name)
    {
        public int Count { get; set; }

        public double Seconds { get; set; }

        public double Flops { get; set; }

        public double Bytes { get; set; }
    }

    /// <summary>The kinds, longest first.</summary>
    public IEnumerable<Line> Lines => lines.Values.OrderByDescending(l => l.Seconds);

    public void Begin<TCall>(Device device, in TCall call)
        where TCall : struct, ICall
    {
        if (depth++ == 0)
            began = Stopwatch.GetTimestamp();
    }

    public void End<TCall>(Device device, in TCall call)
        where TCall : struct, ICall
    {
        if (--depth > 0)
            return;
        double seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
        string name = NameOf<TCall>();
        if (!lines.TryGetValue(name, out var line))
            lines.Add(name, line = new Line(name));
        line.Count++;
        line.Seconds += seconds;
        line.Flops += call.Flops;
        line.Bytes += call.Bytes;
    }

    // map<SwiGlu, …>: the formula is what tells maps apart.
    private static string NameOf<TCall>()
        where TCall : struct, ICall
    {
        var type = typeof(TCall);
        return type.IsGenericType ? $"{TCall.Name} {type.GetGenericArguments()[0].Name.Split('`')[0]}" : TCall.Name;
    }
}
