using KernelTune.Text.Pipeline;

namespace KernelTune.Text.Sources;

/// <summary>The special tokens of a vocabulary that names none itself: those of the config, each at its place in the vocabulary or behind it.</summary>
internal sealed class SpecialTokens
{
    private readonly Dictionary<string, AddedToken> tokens = new(StringComparer.Ordinal);

    /// <param name="vocabulary">The vocabulary's tokens.</param>
    /// <param name="config">Which tokens are special.</param>
    /// <param name="others">Further tokens; their flags and ids count before what would be made up.</param>
    /// <param name="maskStrips">Whether the mask takes the space before it.</param>
    public SpecialTokens(IReadOnlyList<string> vocabulary, TokenizerConfig config, IReadOnlyList<AddedToken> others, bool maskStrips = false)
    {
        var ids = new Dictionary<string, int>(StringComparer.Ordinal);
        for (int id = 0; id < vocabulary.Count; id++) ids[vocabulary[id]] = id;
        int next = vocabulary.Count;
        foreach (var token in others)
        {
            tokens[token.Content] = token;
            next = Math.Max(next, token.Id + 1);
        }
        foreach (string? content in new[] { config.BosToken, config.EosToken, config.UnknownToken, config.SepToken, config.PadToken, config.ClsToken, config.MaskToken })
        {
            if (content is null || tokens.ContainsKey(content)) continue;
            tokens[content] = new AddedToken { Id = ids.TryGetValue(content, out int id) ? id : next++, Content = content, Special = true, LeftStrip = maskStrips && content == config.MaskToken };
        }
    }

    /// <summary>All of them, by id.</summary>
    public IReadOnlyList<AddedToken> All => [.. tokens.Values.OrderBy(t => t.Id)];

    public AddedToken? Find(string? content) => content is null ? null : tokens.GetValueOrDefault(content);

    public string Template(IReadOnlyList<string> single, IReadOnlyList<string> pair) => TemplateSketch.Json(single, pair, tokens.Values);

    /// <summary>["token",id].</summary>
    public string Pair(string content) => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"[{TokenizerSketch.Quoted(content)},{tokens[content].Id}]");
}
