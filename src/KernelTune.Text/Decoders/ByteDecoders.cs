using System.Globalization;
using KernelTune.Text.Models;

namespace KernelTune.Text.Decoders;

/// <summary>Characters back to the bytes that they stand for, and these to text; a token with any other character is its own UTF-8.</summary>
internal sealed class ByteLevelDecoder : Decoder
{
    public override List<string> Apply(List<string> tokens)
    {
        var bytes = new List<byte>();
        foreach (string token in tokens) AddBytes(token, bytes);
        return [Utf8.Lossy([.. bytes])];
    }

    public static void AddBytes(string token, List<byte> bytes)
    {
        foreach (char c in token)
        {
            if (ByteAlphabet.ByteOf(c) >= 0) continue;
            bytes.AddRange(Utf8.Bytes(token));
            return;
        }
        foreach (char c in token) bytes.Add((byte)ByteAlphabet.ByteOf(c));
    }
}

/// <summary>Runs of &lt;0xNN&gt; tokens to the text that they spell, or to one U+FFFD a byte.</summary>
internal sealed class ByteFallbackDecoder : Decoder
{
    public override List<string> Apply(List<string> tokens)
    {
        var result = new List<string>(tokens.Count);
        var run = new List<byte>();
        foreach (string token in tokens)
        {
            if (ByteOf(token) is { } b)
            {
                run.Add(b);
                continue;
            }
            Flush();
            result.Add(token);
        }
        Flush();
        return result;

        void Flush()
        {
            if (run.Count == 0) return;
            if (Utf8.Strict([.. run]) is { } text) result.Add(text);
            else result.AddRange(Enumerable.Repeat("\uFFFD", run.Count));
            run.Clear();
        }
    }

    /// <summary>The byte that a token &lt;0xNN&gt; names, else null.</summary>
    public static byte? ByteOf(string token)
    {
        if (token.Length != 6 || !token.StartsWith("<0x", StringComparison.Ordinal) || token[5] != '>') return null;
        return byte.TryParse(token.AsSpan(3, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out byte b) ? b : null;
    }
}
