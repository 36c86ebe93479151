using KernelTune.Text.Pipeline;
using KernelTune.Text.Unicode;

namespace KernelTune.Text.Models;

/// <summary>GPT-2's printable stand-in for each byte (Radford et al., 2019, encoder.py): printable Latin-1 stands for itself, the others from U+0100 on.</summary>
internal static class ByteAlphabet
{
    private static readonly char[] Characters = Build();
    private static readonly short[] Bytes = Invert();

    /// <summary>The character that stands for the byte.</summary>
    public static char Of(byte value) => Characters[value];

    /// <summary>The byte that the character stands for, or −1.</summary>
    public static int ByteOf(char character) => character < Bytes.Length ? Bytes[character] : -1;

    /// <summary>The piece with each byte of its UTF-8 as the character that stands for it.</summary>
    public static Piece Spell(Piece piece)
    {
        var changes = new List<Change>(piece.Length * 2);
        Span<byte> utf8 = stackalloc byte[4];
        for (int i = 0; i < piece.Length;)
        {
            int count = CodePoints.WriteUtf8(CodePoints.At(piece.Span, i, out int units), utf8);
            for (int b = 0; b < count; b++) changes.Add(new Change(Characters[utf8[b]], b == 0 ? 0 : 1));
            i += units;
        }
        return piece.Changed(changes);
    }

    /// <summary>The text with each byte of its UTF-8 as the character that stands for it.</summary>
    public static string Spell(ReadOnlySpan<char> text)
    {
        byte[] utf8 = new byte[text.Length * 3];
        int count = CodePoints.WriteUtf8(text, utf8);
        return string.Create(count, utf8, (span, bytes) =>
        {
            for (int i = 0; i < span.Length; i++) span[i] = Characters[bytes[i]];
        });
    }

    private static bool StandsForItself(int b) => b is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or (>= 0xAE and <= 0xFF);

    private static char[] Build()
    {
        var characters = new char[256];
        int next = 0x100;
        for (int b = 0; b < 256; b++) characters[b] = (char)(StandsForItself(b) ? b : next++);
        return characters;
    }

    private static short[] Invert()
    {
        var bytes = new short[0x144];
        Array.Fill(bytes, (short)-1);
        for (int b = 0; b < 256; b++) bytes[Characters[b]] = (short)b;
        return bytes;
    }
}
