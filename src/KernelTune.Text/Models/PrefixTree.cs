using System.Numerics;
using System.Runtime.CompilerServices;

namespace KernelTune.Text.Models;

/// <summary>Texts with a number each, walked from their first character on. Open addressing over (node, character); built once, then read by several threads.</summary>
internal sealed class PrefixTree
{
    /// <summary>Where every text begins.</summary>
    public const int Root = 0;

    private const ulong Free = ulong.MaxValue;

    private readonly List<int> values = [-1];
    private ulong[] keys;
    private int[] nodes;
    private int shift;

    /// <param name="expected">About how many characters will be added, prefixes shared.</param>
    public PrefixTree(int expected = 16) => Allocate((int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(32, expected)));

    /// <summary>How many nodes there are, the root included.</summary>
    public int Count => values.Count;

    /// <summary>Sets the number of a text; of a text that comes again the later number counts.</summary>
    public void Set(ReadOnlySpan<char> text, int value)
    {
        int node = Root;
        foreach (char c in text)
        {
            int next = Step(node, c);
            node = next >= 0 ? next : Grow(node, c);
        }
        values[node] = value;
    }

    /// <summary>The node behind <paramref name="node"/> by that character, or −1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Step(int node, char c)
    {
        ulong key = (ulong)(uint)node << 16 | c;
        int slot = (int)(key * 0x9E3779B97F4A7C15UL >> shift);
        while (true)
        {
            ulong found = keys[slot];
            if (found == key) return nodes[slot];
            if (found == Free) return -1;
            slot = slot + 1 & keys.Length - 1;
        }
    }

    /// <summary>The node at the end of a text, or −1 where no text begins so.</summary>
    public int Walk(ReadOnlySpan<char> text)
    {
        int node = Root;
        for (int i = 0; i < text.Length && node >= 0; i++) node = Step(node, text[i]);
        return node;
    }

    /// <summary>The number of the text that ends at <paramref name="node"/>, or −1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int ValueAt(int node) => values[node];

    private int Grow(int node, char c)
    {
        if (values.Count * 2 > keys.Length)
        {
            var (oldKeys, oldNodes) = (keys, nodes);
            Allocate(keys.Length * 2);
            for (int i = 0; i < oldKeys.Length; i++)
                if (oldKeys[i] != Free) Put(oldKeys[i], oldNodes[i]);
        }
        Put((ulong)(uint)node << 16 | c, values.Count);
        values.Add(-1);
        return values.Count - 1;
    }

    private void Put(ulong key, int node)
    {
        int slot = (int)(key * 0x9E3779B97F4A7C15UL >> shift);
        while (keys[slot] != Free) slot = slot + 1 & keys.Length - 1;
        (keys[slot], nodes[slot]) = (key, node);
    }

    [System.Diagnostics.CodeAnalysis.MemberNotNull(nameof(keys), nameof(nodes))]
    private void Allocate(int size)
    {
        keys = new ulong[size];
        nodes = new int[size];
        shift = 64 - BitOperations.Log2((uint)size);
        Array.Fill(keys, Free);
    }
}
