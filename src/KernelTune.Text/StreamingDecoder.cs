using System.Text;
using KernelTune.Text.Decoders;

namespace KernelTune.Text;

/// <summary>Decodes ids that come one by one: what it has given, put together, is what decoding them all at once gives, and no character is ever given in part. Tokens that name single
/// bytes are given when their run has ended: only then is it known whether they are text. Not for two threads at a time.</summary>
public sealed class StreamingDecoder
{
    private const int LongestWait = 16;

    private readonly Tokenizer tokenizer;
    private readonly bool skipSpecialTokens;
    private readonly bool namesBytes;
    private readonly System.Text.Decoder? utf8;      // byte-level tokenizers need no more than this
    private readonly List<string> tokens = [];       // the last tokens given, then those that wait
    private readonly List<byte> bytes = [];
    private int given;                               // how many of the tokens have been given

    internal StreamingDecoder(Tokenizer tokenizer, bool skipSpecialTokens)
    {
        this.tokenizer = tokenizer;
        this.skipSpecialTokens = skipSpecialTokens;
        namesBytes = NamesBytes(tokenizer.DecoderPart);
        utf8 = tokenizer.DecoderPart is ByteLevelDecoder ? Encoding.UTF8.GetDecoder() : null;
    }

    /// <summary>Whether there are tokens, or bytes of one, that have not been given yet.</summary>
    internal bool IsWaiting { get; private set; }

    /// <summary>The characters that are complete now; empty if the next token has to be waited for.</summary>
    public string Push(int id)
    {
        if (tokenizer.DecodedForm(id, skipSpecialTokens) is not { } token) return "";
        if (utf8 is not null)
        {
            bytes.Clear();
            ByteLevelDecoder.AddBytes(token, bytes);
            string text = Converted(flush: false);
            IsWaiting = utf8.GetCharCount([], flush: true) > 0;      // what it keeps would come out broken
            return text;
        }
        tokens.Add(token);
        IsWaiting = true;
        return namesBytes && ByteFallbackDecoder.ByteOf(token) is not null ? "" : Give(last: false);
    }

    /// <summary>What still waits, broken characters as U+FFFD. The decoder can then begin another text.</summary>
    public string Finish()
    {
        IsWaiting = false;
        bytes.Clear();
        if (utf8 is not null) return Converted(flush: true);
        string rest = Give(last: true);
        tokens.Clear();
        given = 0;
        return rest;
    }

    private static bool NamesBytes(Decoders.Decoder? decoder) => decoder is ByteFallbackDecoder || decoder is DecoderSequence sequence && sequence.Parts.Any(NamesBytes);

    private string Converted(bool flush)
    {
        Span<char> characters = new char[bytes.Count + 8];
        int count = utf8!.GetChars(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(bytes), characters, flush);
        return new string(characters[..count]);
    }

    /// <summary>The difference that the waiting tokens make behind those already given, which are there because a decoder may treat the first token differently.</summary>
    private string Give(bool last)
    {
        if (given == tokens.Count) return "";
        string before = Decoders.Decoder.Text(tokenizer.DecoderPart, tokens[..given]), all = Decoders.Decoder.Text(tokenizer.DecoderPart, tokens);
        bool broken = all.EndsWith('\uFFFD') && tokens.Count - given < LongestWait;
        if (!last && (broken || all.Length < before.Length)) return "";
        string text = all.StartsWith(before, StringComparison.Ordinal) ? all[before.Length..] : all;
        tokens.RemoveRange(0, given);
        given = tokens.Count;
        IsWaiting = false;
        return text;
    }
}
