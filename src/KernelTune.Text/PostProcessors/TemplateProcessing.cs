using KernelTune.Text.Chat;
using KernelTune.Text.Pipeline;

namespace KernelTune.Text.PostProcessors;

/// <summary>One place of a template: the text (0) or its pair (1), or tokens that are put in.</summary>
internal readonly record struct TemplatePart(int Sequence, IReadOnlyList<SpecialToken> Tokens, int TypeId);

/// <summary>Texts and special tokens in the order that a template gives.</summary>
internal sealed class TemplateProcessing(IReadOnlyList<TemplatePart> single, IReadOnlyList<TemplatePart> pair) : PostProcessor
{
    public override int AddedTokens(bool isPair) => (isPair ? pair : single).Sum(p => p.Tokens.Count);

    public override List<Window> Process(List<Window> parts, bool addSpecialTokens)
    {
        var result = new List<Window>();
        foreach (var place in parts.Count > 1 ? pair : single)
        {
            if (place.Sequence >= 0)
            {
                var part = parts[place.Sequence].Copy();
                part.SetTypeIds(place.TypeId);
                result.Add(part);
            }
            else if (addSpecialTokens)
            {
                var window = new Window();
                foreach (var (token, id) in place.Tokens) window.Add(id, token, new TextSpan(0, 0), place.TypeId, special: true);
                result.Add(window);
            }
        }
        return result;
    }
}
