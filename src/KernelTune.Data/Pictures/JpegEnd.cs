namespace KernelTune.Data.Pictures;

/// <summary>Finds out whether a JPEG file was cut off: decoders fill in what is missing, and some say nothing of it.</summary>
internal static class JpegEnd
{
    private const byte Marker = 0xFF, StartOfImage = 0xD8, EndOfImage = 0xD9, Temporary = 0x01;

    /// <summary>True where an end marker follows the scans (ITU T.81, annex B). Pictures embedded in other segments do not count.</summary>
    public static bool IsThere(ReadOnlySpan<byte> file)
    {
        int at = 2;
        while (at + 1 < file.Length)
        {
            if (file[at] != Marker)
            {
                at++;       // entropy-coded data, or junk between segments, which decoders pass over
                continue;
            }

            byte kind = file[at + 1];
            if (kind == EndOfImage) return true;
            bool alone = kind is 0 or Marker or Temporary or StartOfImage or (>= 0xD0 and <= 0xD7);
            if (alone)
            {
                at += kind == Marker ? 1 : 2;
                continue;
            }

            if (at + 3 >= file.Length) return false;
            at += 2 + ((file[at + 2] << 8) | file[at + 3]);
        }

        return false;
    }
}
