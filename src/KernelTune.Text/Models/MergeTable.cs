using System.Numerics;
using System.Runtime.CompilerServices;

namespace KernelTune.Text.Models;

/// <summary>Pairs of tokens that merge: rank (lower first) and the token that they become. Open addressing, built once.</summary>
internal sealed class MergeTable
{
    /// <summary>No merge: it sorts after every rank.</summary>
    public const long None = long.MaxValue;

    private const ulong Free = ulong.MaxValue;

    private readonly ulong[] keys;
    private readonly long[] values;
    private readonly int shift;

    public MergeTable(int count)
    {
        int size = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(16, count * 2));
        keys = new ulong[size];
        values = new long[size];
        shift = 64 - BitOperations.Log2((uint)size);
        Array.Fill(keys, Free);
    }

    /// <summary>Sets what a pair merges to; a pair that comes again takes the later rank.</summary>
    public void Set(int left, int right, int rank, int merged)
    {
        ulong key = Key(left, right);
        int slot = Slot(key);
        while (keys[slot] != Free && keys[slot] != key) slot = slot + 1 & keys.Length - 1;
        keys[slot] = key;
        values[slot] = (long)rank << 32 | (uint)merged;
    }

    /// <summary>Rank in the upper and merged token in the lower 32 bits, or <see cref="None"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public long Find(int left, int right)
    {
        ulong key = Key(left, right);
        int slot = Slot(key);
        while (true)
        {
            ulong found = keys[slot];
            if (found == key) return values[slot];
            if (found == Free) return None;
            slot = slot + 1 & keys.Length - 1;
        }
    }

    private static ulong Key(int left, int right) => (ulong)(uint)left << 32 | (uint)right;

    private int Slot(ulong key) => (int)(key * 0x9E3779B97F4A7C15UL >> shift);
}
