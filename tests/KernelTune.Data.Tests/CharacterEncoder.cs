using KernelTune.Text.Chat;

namespace KernelTune.Data.Tests;

/// <summary>A tokenizer for tests: an id a code point, its number; &lt;eos&gt; is id 1 unless it stands in ordinary text; added tokens are a 0 in front.</summary>
internal sealed class CharacterEncoder : ITextEncoder
{
    public const int End = 1;

    public string? EndToken => "<eos>";

    public int PadTokenId => 2;

    public EncodedText Encode(string text, bool addSpecialTokens, IReadOnlyList<TextSpan> ordinary)
    {
        int[] runes = text.EnumerateRunes().Select(r => r.Value).ToArray();
        int[] end = EndToken!.Select(c => (int)c).ToArray();
        var ids = new List<int>();
        var offsets = new List<(int, int)>();
        if (addSpecialTokens)
        {
            ids.Add(0);
            offsets.Add((0, 0));
        }

        for (int i = 0; i < runes.Length;)
        {
            bool special = runes.AsSpan(i).StartsWith(end) && !ordinary.Any(o => o.Start < i + end.Length && o.End > i);
            ids.Add(special ? End : runes[i]);
            offsets.Add((i, i + (special ? end.Length : 1)));
            i += special ? end.Length : 1;
        }

        return new EncodedText([.. ids], [.. offsets]);
    }
}
