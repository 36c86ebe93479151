using System.Runtime.CompilerServices;

namespace KernelTune.Text.Unicode;

/// <summary>Code points in UTF-16. A surrogate without its partner counts as a code point of its own and is written as three bytes, so that no text is lost.</summary>
internal static class CodePoints
{
    /// <summary>The code point at <paramref name="index"/> and how many UTF-16 units it takes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int At(ReadOnlySpan<char> text, int index, out int units)
    {
        int first = text[index];
        units = 1;
        return (first & 0xFC00) != 0xD800 ? first : Pair(text, index, first, ref units);
    }

    /// <summary>The code point that ends before <paramref name="index"/>, and how many units it takes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Before(ReadOnlySpan<char> text, int index, out int units)
    {
        int last = text[index - 1];
        units = 1;
        if ((last & 0xFC00) != 0xDC00 || index < 2) return last;
        int high = text[index - 2];
        if ((high & 0xFC00) != 0xD800) return last;
        units = 2;
        return 0x10000 + ((high - 0xD800) << 10) + (last - 0xDC00);
    }

    /// <summary>How many bytes the code point takes in UTF-8.</summary>
    public static int Utf8Length(int codePoint) => codePoint < 0x80 ? 1 : codePoint < 0x800 ? 2 : codePoint < 0x10000 ? 3 : 4;

    /// <summary>How many bytes the text takes in UTF-8.</summary>
    public static int Utf8Length(ReadOnlySpan<char> text)
    {
        int bytes = 0;
        for (int i = 0; i < text.Length;)
        {
            bytes += Utf8Length(At(text, i, out int units));
            i += units;
        }
        return bytes;
    }

    /// <summary>How many code points the text has.</summary>
    public static int Count(ReadOnlySpan<char> text)
    {
        int count = 0;
        for (int i = 0; i < text.Length; count++)
        {
            At(text, i, out int units);
            i += units;
        }
        return count;
    }

    /// <summary>Writes the code point as UTF-8 and returns the number of bytes.</summary>
    public static int WriteUtf8(int codePoint, Span<byte> to)
    {
        if (codePoint < 0x80)
        {
            to[0] = (byte)codePoint;
            return 1;
        }
        if (codePoint < 0x800)
        {
            to[0] = (byte)(0xC0 | codePoint >> 6);
            to[1] = (byte)(0x80 | codePoint & 0x3F);
            return 2;
        }
        if (codePoint < 0x10000)
        {
            to[0] = (byte)(0xE0 | codePoint >> 12);
            to[1] = (byte)(0x80 | codePoint >> 6 & 0x3F);
            to[2] = (byte)(0x80 | codePoint & 0x3F);
            return 3;
        }
        to[0] = (byte)(0xF0 | codePoint >> 18);
        to[1] = (byte)(0x80 | codePoint >> 12 & 0x3F);
        to[2] = (byte)(0x80 | codePoint >> 6 & 0x3F);
        to[3] = (byte)(0x80 | codePoint & 0x3F);
        return 4;
    }

    /// <summary>Writes the whole text as UTF-8 and returns the number of bytes; <paramref name="to"/> needs three bytes a UTF-16 unit.</summary>
    public static int WriteUtf8(ReadOnlySpan<char> text, Span<byte> to)
    {
        int written = 0;
        for (int i = 0; i < text.Length;)
        {
            int c = text[i];
            if (c < 0x80)
            {
                to[written++] = (byte)c;
                i++;
                continue;
            }
            c = At(text, i, out int units);
            written += WriteUtf8(c, to[written..]);
            i += units;
        }
        return written;
    }

    /// <summary>How many UTF-16 units the code point takes.</summary>
    public static int Units(int codePoint) => codePoint < 0x10000 ? 1 : 2;

    /// <summary>Appends the code point to <paramref name="text"/>.</summary>
    public static void Append(System.Text.StringBuilder text, int codePoint)
    {
        if (codePoint < 0x10000)
        {
            text.Append((char)codePoint);
            return;
        }
        text.Append((char)(0xD800 + (codePoint - 0x10000 >> 10))).Append((char)(0xDC00 + (codePoint - 0x10000 & 0x3FF)));
    }

    /// <summary>The code points of <paramref name="text"/>, one after another.</summary>
    public static List<int> ListOf(ReadOnlySpan<char> text)
    {
        var list = new List<int>(text.Length);
        for (int i = 0; i < text.Length;)
        {
            list.Add(At(text, i, out int units));
            i += units;
        }
        return list;
    }

    private static int Pair(ReadOnlySpan<char> text, int index, int first, ref int units)
    {
        if (index + 1 >= text.Length) return first;
        int second = text[index + 1];
        if ((second & 0xFC00) != 0xDC00) return first;
        units = 2;
        return 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
    }
}
