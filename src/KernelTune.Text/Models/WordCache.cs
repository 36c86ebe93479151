using System.Collections.Concurrent;

namespace KernelTune.Text.Models;

/// <summary>Remembers what short pieces became. Bounded: once full it takes no more. Safe for several threads.</summary>
internal sealed class WordCache(int capacity)
{
    private const int LongestWord = 256;

    private readonly ConcurrentDictionary<string, Word> words = new(StringComparer.Ordinal);
    private int count;

    public bool TryGet(ReadOnlySpan<char> piece, out Word word)
    {
        bool found = words.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(piece, out var hit);
        word = hit!;
        return found;
    }

    public void Add(ReadOnlySpan<char> piece, Word word)
    {
        if (piece.Length > LongestWord || Volatile.Read(ref count) >= capacity) return;
        if (words.TryAdd(piece.ToString(), word)) Interlocked.Increment(ref count);
    }
}
