using KernelTune.Text.Decoders;

namespace KernelTune.Text;

/// <summary>Decodes ids that come one by one: what it has given, put together, is the text so far, and no character is ever given in part.
/// Not for two threads at a time.</summary>
public sealed class StreamingDecoder
{
    private const int LongestWait = 16;

    private readonly Tokenizer tokenizer;
    private readonly bool skipSpecialTokens;
    private readonly System.Text.Decoder? utf8;      // byte-level tokenizers need no more than this
    private readonly List<int> ids = [];             // the last tokens given, then those that wait
    private int given;                               // how many of them have been given

    internal StreamingDecoder(Tokenizer tokenizer, bool skipSpecialTokens)
    {
        this.tokenizer = tokenizer;
        this.skipSpecialTokens = skipSpecialTokens;
        utf8 = tokenizer.DecoderPart is ByteLevelDecoder ? System.Text.Encoding.UTF8.GetDecoder() : null;
    }

    /// <summary>The characters that are complete now; empty if the next token has to be waited for.</summary>
    public string Push(int id)
    {
        if (tokenizer.DecodedForm(id, skipSpecialTokens) is not { } token) return "";
        if (utf8 is not null)
        {
            var bytes = new List<byte>();
            ByteLevelDecoder.AddBytes(token, bytes);
            return Converted([.. bytes], flush: false);
        }
        ids.Add(id);
        return Give(last: false);
    }

    /// <summary>What still waits, broken characters as U+FFFD. The decoder can then begin another text.</summary>
    public string Finish()
    {
        if (utf8 is not null) return Converted([], flush: true);
        string rest = Give(last: true);
        ids.Clear();
        given = 0;
        return rest;
    }

    private string Converted(ReadOnlySpan<byte> bytes, bool flush)
    {
        Span<char> characters = new char[bytes.Length + 8];
        int count = utf8!.GetChars(bytes, characters, flush);
        return new string(characters[..count]);
    }

    /// <summary>The difference that the waiting tokens make behind those already given, which are there because a decoder may treat the first token differently.</summary>
    private string Give(bool last)
    {
        if (given == ids.Count) return "";
        string before = Text(given), all = Text(ids.Count);
        bool broken = all.EndsWith('\uFFFD') && ids.Count - given < LongestWait;
        if (!last && (broken || all.Length < before.Length)) return "";
        string text = all.StartsWith(before, StringComparison.Ordinal) ? all[before.Length..] : all;
        ids.RemoveRange(0, given);
        given = ids.Count;
        return text;
    }

    private string Text(int count)
    {
        var tokens = new List<string>(count);
        for (int i = 0; i < count; i++) tokens.Add(tokenizer.DecodedForm(ids[i], skipSpecialTokens)!);
        return Decoder.Text(tokenizer.DecoderPart, tokens);
    }
}
