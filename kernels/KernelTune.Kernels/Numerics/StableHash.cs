using System.Text;

namespace KernelTune.Kernels.Numerics;

/// <summary>
/// A hash of text that never changes between processes, versions or machines: FNV-1a over the UTF-8 bytes (64 bits), then a finaliser that spreads short
/// texts over all bits. It names a random site, as in <c>model.layers.3.self_attn/dropout</c>.
/// </summary>
public static class StableHash
{
    /// <summary>The 64-bit hash of a text. A lone surrogate counts as U+FFFD.</summary>
    public static ulong Of(ReadOnlySpan<char> text)
    {
        ulong hash = 14695981039346656037;
        Span<byte> bytes = stackalloc byte[4];
        foreach (Rune rune in text.EnumerateRunes())
        {
            int n = rune.EncodeToUtf8(bytes);
            for (int i = 0; i < n; i++) hash = (hash ^ bytes[i]) * 1099511628211;
        }

        hash = (hash ^ (hash >> 32)) * 0x9E3779B97F4A7C15;
        return hash ^ (hash >> 29);
    }

    /// <summary>The 32 bits that stand in a Philox counter.</summary>
    public static uint Site(ReadOnlySpan<char> text)
    {
        ulong hash = Of(text);
        return (uint)(hash ^ (hash >> 32));
    }
}
