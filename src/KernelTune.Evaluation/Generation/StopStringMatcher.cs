using System.Text;

namespace KernelTune.Evaluation.Generation;

/// <summary>Says whether a sequence has just produced one of several texts.</summary>
/// <remarks>
/// A sequence stops when a text ends inside its last token: the concatenated bytes of its tokens, cut somewhere after the last token's first
/// byte, end with the text. What the token adds after the text does not matter, and a text that was complete before the last token does not
/// stop it again. Prompts take part: a text may begin in one. (Transformers' StopStringCriteria.)
/// </remarks>
public sealed class StopStringMatcher
{
    private readonly IReadOnlyList<byte[]> tokenBytes;
    private readonly byte[][] stops;
    private readonly int window;
    private byte[] text;

    /// <param name="tokenBytes">What each id adds to the text, in bytes (<see cref="TokenBytes"/>).</param>
    /// <param name="stopStrings">The texts, none empty.</param>
    /// <exception cref="GenerationException">No token of the vocabulary can end any of the texts.</exception>
    public StopStringMatcher(IReadOnlyList<byte[]> tokenBytes, IEnumerable<string> stopStrings)
    {
        this.tokenBytes = tokenBytes;
        stops = [.. stopStrings.Select(Encoding.UTF8.GetBytes)];
        window = stops.Length == 0 ? 0 : stops.Max(s => s.Length);
        text = new byte[4 * window];
        if (stops.Length > 0 && !tokenBytes.Any(token => stops.Any(stop => MayEnd(token, stop))))
            throw new GenerationException("no token of the vocabulary can end any of the stop strings: " + string.Join(", ", stopStrings.Select(s => $"\"{s}\"")));
    }

    /// <summary>True if one of the texts ends inside the last of <paramref name="ids"/>.</summary>
    public bool Stops(ReadOnlySpan<int> ids)
    {
        if (ids.IsEmpty || window == 0)
            return false;

        // A token that is not empty brings at least one byte: more tokens than the longest text has bytes cannot take part.
        ReadOnlySpan<int> tail = ids.Length > window ? ids[^window..] : ids;
        int length = 0;
        int lastStart = 0;
        foreach (int id in tail)
        {
            lastStart = length;
            if ((uint)id >= (uint)tokenBytes.Count)
            {
                length = 0;      // an id without a text: nothing matches across it
                lastStart = 0;
                continue;
            }

            byte[] piece = tokenBytes[id];
            if (length + piece.Length > text.Length)
                Array.Resize(ref text, 2 * (length + piece.Length));
            piece.CopyTo(text, length);
            length += piece.Length;
        }

        if ((uint)tail[^1] >= (uint)tokenBytes.Count)
            return false;
        foreach (byte[] stop in stops)
            for (int cut = Math.Max(lastStart + 1, stop.Length); cut <= length; cut++)
                if (text.AsSpan(cut - stop.Length, stop.Length).SequenceEqual(stop))
                    return true;
        return false;
    }

    private static bool MayEnd(byte[] token, byte[] stop)
    {
        for (int cut = 1; cut <= token.Length; cut++)
        {
            int shared = Math.Min(cut, stop.Length);
            if (token.AsSpan(cut - shared, shared).SequenceEqual(stop.AsSpan(stop.Length - shared)))
                return true;
        }

        return false;
    }
}
