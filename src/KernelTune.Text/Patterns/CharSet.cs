using System.Runtime.CompilerServices;

namespace KernelTune.Text.Patterns;

/// <summary>A set of code points: a bitmap for the basic plane, the rule itself beyond it.</summary>
internal sealed class CharSet
{
    private readonly ulong[] basic = new ulong[1024];
    private readonly Func<int, bool> rule;

    public CharSet(Func<int, bool> rule)
    {
        this.rule = rule;
        for (int c = 0; c < 0x10000; c++)
            if (rule(c)) basic[c >> 6] |= 1UL << (c & 63);
    }

    private CharSet(ulong[] basic, Func<int, bool> rule)
    {
        this.basic = basic;
        this.rule = rule;
    }

    public static CharSet Everything { get; } = new(_ => true);

    public static CharSet Of(int codePoint)
    {
        var basic = new ulong[1024];
        if (codePoint < 0x10000) basic[codePoint >> 6] = 1UL << (codePoint & 63);
        return new CharSet(basic, c => c == codePoint);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Contains(int c) => (uint)c < 0x10000u ? (basic[c >> 6] >> (c & 63) & 1) != 0 : rule(c);

    public CharSet Union(CharSet other)
    {
        if (ReferenceEquals(this, other)) return this;
        var both = new ulong[1024];
        for (int i = 0; i < both.Length; i++) both[i] = basic[i] | other.basic[i];
        var (a, b) = (rule, other.rule);
        return new CharSet(both, c => a(c) || b(c));
    }
}
