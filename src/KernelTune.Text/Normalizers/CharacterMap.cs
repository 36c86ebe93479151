using System.Buffers.Binary;
using System.Text;

namespace KernelTune.Text.Normalizers;

/// <summary>SentencePiece's precompiled character map: the length of a double array in bytes (little-endian), the double array (darts-clone, Yata), then the replacements, each ended by NUL.</summary>
internal sealed class CharacterMap
{
    private readonly uint[] units;
    private readonly byte[] replacements;

    /// <exception cref="FormatException">The bytes are not such a map: what is wrong with them.</exception>
    public CharacterMap(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < 4) throw new FormatException($"{bytes.Length} bytes are too few for a character map");
        uint size = BinaryPrimitives.ReadUInt32LittleEndian(bytes);
        if (size % 4 != 0 || size == 0 || size > bytes.Length - 4) throw new FormatException($"the character map's trie would have {size} bytes of the {bytes.Length - 4} that follow");
        units = new uint[size / 4];
        for (int i = 0; i < units.Length; i++) units[i] = BinaryPrimitives.ReadUInt32LittleEndian(bytes[(4 + i * 4)..]);
        replacements = bytes[(4 + (int)size)..].ToArray();
    }

    /// <summary>What the shortest entry that <paramref name="utf8"/> begins with is replaced by; null if there is none.</summary>
    /// <exception cref="FormatException">The entry points out of the map.</exception>
    public string? Find(ReadOnlySpan<byte> utf8)
    {
        uint at = Offset(units[0]);
        foreach (byte b in utf8)
        {
            if (b == 0) return null;
            at ^= b;
            uint unit = At(at);
            if (Label(unit) != b) return null;
            at ^= Offset(unit);
            if ((unit >> 8 & 1) != 0) return Replacement(At(at) & 0x7FFFFFFF);
        }
        return null;
    }

    private uint At(uint index) => index < units.Length ? units[index] : throw new FormatException($"the character map points to unit {index} of {units.Length}");

    private string Replacement(uint at)
    {
        if (at >= replacements.Length) throw new FormatException($"the character map points to byte {at} of {replacements.Length}");
        var rest = replacements.AsSpan((int)at);
        int end = rest.IndexOf((byte)0);
        return Encoding.UTF8.GetString(end < 0 ? rest : rest[..end]);
    }

    private static uint Label(uint unit) => unit & (0x80000000 | 0xFF);

    private static uint Offset(uint unit) => unit >> 10 << (int)((unit & 1 << 9) >> 6);
}
