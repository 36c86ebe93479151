using KernelTune.Text.Chat;
using KernelTune.Text.Models;
using KernelTune.Text.Pipeline;

namespace KernelTune.Text.PostProcessors;

/// <summary>Puts special tokens around a text and its pair.</summary>
internal abstract class PostProcessor
{
    /// <summary>How many tokens are put in.</summary>
    public virtual int AddedTokens(bool isPair) => 0;

    /// <summary>The parts of the result, in order; <paramref name="parts"/> holds the text and perhaps its pair.</summary>
    public abstract List<Window> Process(List<Window> parts, bool addSpecialTokens);

    /// <summary>Runs a processor, or none, and joins what comes out.</summary>
    public static Window Join(PostProcessor? processor, Window first, Window? second, bool addSpecialTokens)
    {
        List<Window> parts = second is null ? [first] : [first, second];
        if (processor is not null)
        {
            for (int i = 0; i < parts.Count; i++) parts[i].SetTypeIds(i);
            parts = processor.Process(parts, addSpecialTokens);
        }
        if (parts.Count == 0) return new Window();
        var whole = parts[0];
        for (int i = 1; i < parts.Count; i++) whole = whole.JoinedWith(parts[i]);
        return whole;
    }

    /// <summary>Takes white space off both ends of every token's span.</summary>
    protected static void TrimOffsets(List<Window> parts, bool addPrefixSpace)
    {
        foreach (var part in parts)
        {
            Trim(part, addPrefixSpace);
            foreach (var window in part.Overflowing) Trim(window, addPrefixSpace);
        }
    }

    private static void Trim(Window window, bool addPrefixSpace)
    {
        for (int i = 0; i < window.Count; i++)
        {
            string token = window.Tokens[i];
            int leading = 0, trailing = 0;
            while (leading < token.Length && IsSpace(token[leading])) leading++;
            while (trailing < token.Length && IsSpace(token[^(trailing + 1)])) trailing++;
            if (leading == 0 && trailing == 0) continue;
            var (begin, end) = window.Offsets[i];
            if (leading > 0)
            {
                // A single space at the very beginning is the one that was put in: there is nothing in the text to leave out.
                if ((i == 0 || begin == 0) && addPrefixSpace && leading == 1) leading = 0;
                begin = Math.Min(begin + leading, end);
            }
            if (trailing > 0 && end >= trailing) end = Math.Max(end - trailing, begin);
            window.Offsets[i] = new TextSpan(begin, end);
        }
    }

    private static bool IsSpace(char c) => c == ByteAlphabet.Of((byte)' ') || char.IsWhiteSpace(c);
}

/// <summary>Byte-level BPE's: only the spans change.</summary>
internal sealed class ByteLevelProcessing(bool trimOffsets, bool addPrefixSpace) : PostProcessor
{
    public override List<Window> Process(List<Window> parts, bool addSpecialTokens)
    {
        if (trimOffsets) TrimOffsets(parts, addPrefixSpace);
        return parts;
    }
}

/// <summary>One processor after another.</summary>
internal sealed class ProcessorSequence(IReadOnlyList<PostProcessor> processors) : PostProcessor
{
    public override int AddedTokens(bool isPair) => processors.Sum(p => p.AddedTokens(isPair));

    public override List<Window> Process(List<Window> parts, bool addSpecialTokens)
    {
        foreach (var processor in processors) parts = processor.Process(parts, addSpecialTokens);
        return parts;
    }
}
