using KernelTune.Text.Chat;
using KernelTune.Text.Unicode;

namespace KernelTune.Text.Pipeline;

/// <summary>UTF-16 positions of a text as code points.</summary>
internal sealed class OffsetMap
{
    /// <summary>Leaves the positions as they are.</summary>
    public static OffsetMap Units { get; } = new("");

    private readonly int[]? points;

    public OffsetMap(string text)
    {
        if (text.AsSpan().IndexOfAnyInRange('\uD800', '\uDFFF') < 0) return;
        points = new int[text.Length + 1];
        int count = 0;
        for (int i = 0; i < text.Length;)
        {
            CodePoints.At(text, i, out int units);
            for (int u = 0; u < units; u++) points[i + u] = count;
            i += units;
            count++;
        }
        points[text.Length] = count;
    }

    public TextSpan Of(int begin, int end) => points is null ? new TextSpan(begin, end) : new TextSpan(points[begin], points[end]);
}
