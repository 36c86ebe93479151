using System.Globalization;

namespace KernelTune.Cli.Recipes;

/// <summary>Sizes as people write them: 8GB, 512MiB, 1.5 GB, 4096. KB, MB and GB are powers of 1000, KiB, MiB and GiB of 1024.</summary>
internal static class ByteCount
{
    private static readonly (string Unit, long Bytes)[] Units =
    [
        ("KiB", 1L << 10), ("MiB", 1L << 20), ("GiB", 1L << 30), ("TiB", 1L << 40),
        ("KB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000), ("TB", 1_000_000_000_000), ("B", 1), ("", 1),
    ];

    /// <summary>The bytes that <paramref name="text"/> means; null where it means none.</summary>
    public static long? Parse(string text)
    {
        foreach (var (unit, bytes) in Units)
        {
            if (!text.EndsWith(unit, StringComparison.OrdinalIgnoreCase)) continue;
            string number = text[..^unit.Length].TrimEnd();
            bool valid = double.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double value) && value * bytes < long.MaxValue;
            return valid ? (long)(value * bytes) : null;
        }
        return null;
    }

    /// <summary>Three or four digits and a binary unit: "2.41 GiB".</summary>
    public static string Show(long bytes)
    {
        double size = bytes;
        string[] units = ["B", "KiB", "MiB", "GiB", "TiB"];
        int unit = 0;
        while (Math.Abs(size) >= 1024 && unit < units.Length - 1)
        {
            size /= 1024;
            unit++;
        }
        string format = unit == 0 ? "0" : Math.Abs(size) >= 100 ? "0.0" : "0.00";
        return size.ToString(format, CultureInfo.InvariantCulture) + " " + units[unit];
    }
}
