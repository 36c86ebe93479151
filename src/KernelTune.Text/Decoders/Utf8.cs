using KernelTune.Text.Unicode;



namespace KernelTune.Text.Decoders;

/// <summary>UTF-8 in the ways that decoding needs it.</summary>
internal static class Utf8
{
    private static readonly System.Text.UTF8Encoding Throwing = new(false, throwOnInvalidBytes: true);

    /// <summary>What is broken becomes U+FFFD, one for each maximal part (Unicode, table 3-8).</summary>
    public static string Lossy(ReadOnlySpan<byte> bytes) => System.Text.Encoding.UTF8.GetString(bytes);

    /// <summary>The text, or null where the bytes are not valid.</summary>
    public static string? Strict(ReadOnlySpan<byte> bytes) => System.Text.Unicode.Utf8.IsValid(bytes) ? Throwing.GetString(bytes) : null;

    /// <summary>The text's bytes; half a surrogate pair is written as three.</summary>
    public static byte[] Bytes(string text)
    {
        byte[] bytes = new byte[text.Length * 3];
        int count = CodePoints.WriteUtf8(text, bytes);
        return bytes[..count];
    }
}
