namespace KernelTune.Text.Unicode;

/// <summary>The tables of the Unicode Character Database that .NET does not offer, embedded as text.</summary>
internal static class UnicodeResource
{
    /// <summary>The lines of the table that are not comments.</summary>
    public static IEnumerable<string> Lines(string name)
    {
        using var stream = typeof(UnicodeResource).Assembly.GetManifestResourceStream("KernelTune.Text.Unicode." + name)
            ?? throw new InvalidOperationException($"the resource {name} is not embedded in the assembly");
        using var reader = new StreamReader(stream);
        while (reader.ReadLine() is { } line)
            if (line.Length > 0 && line[0] != '#') yield return line;
    }
}
