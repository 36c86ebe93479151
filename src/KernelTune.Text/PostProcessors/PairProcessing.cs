using KernelTune.Text.Chat;
using KernelTune.Text.Pipeline;

namespace KernelTune.Text.PostProcessors;

/// <summary>A token that is put in.</summary>
internal readonly record struct SpecialToken(string Token, int Id);

/// <summary>BERT's [CLS] A [SEP] B [SEP] with segments 0 and 1.</summary>
internal sealed class BertProcessing(SpecialToken sep, SpecialToken cls) : PostProcessor
{
    public override int AddedTokens(bool isPair) => isPair ? 3 : 2;

    public override List<Window> Process(List<Window> parts, bool addSpecialTokens) =>
        addSpecialTokens ? [.. parts.Select((part, i) => i == 0 ? Enclosed.In(part, cls, sep, 0) : Enclosed.In(part, null, sep, 1))] : parts;
}

/// <summary>RoBERTa's &lt;s&gt; A &lt;/s&gt;&lt;/s&gt; B &lt;/s&gt;, all of segment 0.</summary>
internal sealed class RobertaProcessing(SpecialToken sep, SpecialToken cls, bool trimOffsets, bool addPrefixSpace) : PostProcessor
{
    public override int AddedTokens(bool isPair) => isPair ? 4 : 2;

    public override List<Window> Process(List<Window> parts, bool addSpecialTokens)
    {
        if (trimOffsets) TrimOffsets(parts, addPrefixSpace);
        foreach (var part in parts)
        {
            part.SetTypeIds(0);
            foreach (var window in part.Overflowing) window.SetTypeIds(0);
        }
        return addSpecialTokens ? [.. parts.Select((part, i) => Enclosed.In(part, i == 0 ? cls : sep, sep, 0))] : parts;
    }
}

/// <summary>A window, and each of its further windows, between two special tokens.</summary>
internal static class Enclosed
{
    public static Window In(Window part, SpecialToken? before, SpecialToken after, int typeId)
    {
        var whole = Alone(after, typeId);
        var joined = part.JoinedWith(whole);
        return before is { } first ? Alone(first, typeId).JoinedWith(joined) : joined;
    }

    public static Window Alone(SpecialToken token, int typeId)
    {
        var window = new Window();
        window.Add(token.Id, token.Token, new TextSpan(0, 0), typeId, special: true);
        return window;
    }
}
