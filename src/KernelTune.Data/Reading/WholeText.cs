using System.Text;
using Microsoft.Win32.SafeHandles;

namespace KernelTune.Data.Reading;

/// <summary>Files that are read whole.</summary>
internal static class WholeText
{
    /// <summary>The text of a file: UTF-8, without a byte-order mark, lines ended by LF.</summary>
    /// <exception cref="DataException">It cannot be read, is longer than <paramref name="longest"/> bytes, or is not UTF-8.</exception>
    public static string Read(string path, int longest)
    {
        var text = new StringBuilder();
        using var lines = new LineReader(path, longest);
        long bytes = 0;
        while (lines.TryRead(out Line line))
        {
            if (line.Problem is not null) throw new DataException(path, line.Problem, line.Number, line.Column);
            bytes += line.Bytes.Length + 1;
            if (bytes > longest) throw new DataException(path, $"a text of more than {longest} bytes was found");
            text.Append(Encoding.UTF8.GetString(line.Bytes.Span)).Append('\n');
        }

        if (text.Length > 0) text.Length--;
        return text.ToString();
    }

    /// <summary>The first bytes of a file, at most <paramref name="count"/>, and how long it is.</summary>
    /// <exception cref="DataException">It cannot be read.</exception>
    public static (byte[] Bytes, long Length) Head(string path, int count)
    {
        using SafeFileHandle file = RegularFile.Open(path);
        try
        {
            long length = RandomAccess.GetLength(file);
            byte[] bytes = new byte[(int)Math.Min(count, length)];
            int filled = 0;
            while (filled < bytes.Length && RandomAccess.Read(file, bytes.AsSpan(filled), filled) is > 0 and var read) filled += read;
            return (bytes[..filled], length);
        }
        catch (IOException e)
        {
            throw new DataException(path, $"cannot be read ({e.Message.Split('\n')[0].TrimEnd('\r', '.')})", inner: e);
        }
    }
}
