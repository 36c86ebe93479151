using System.Text.Json;
using KernelTune.Text.Jinja;
using KernelTune.Text.Jinja.Values;

namespace KernelTune.Text.Chat;

/// <summary>
/// A model's chat template, rendered as Transformers' apply_chat_template does: message fields that are null are left out, reasoning is found under
/// each of its names, tools and documents are none where there are none.
/// </summary>
public sealed class ChatTemplate
{
    private readonly Template _template;
    private readonly IReadOnlyDictionary<string, string> _specialTokens;
    private readonly TimeProvider _clock;

    private ChatTemplate(string source, Template template, IReadOnlyDictionary<string, string> specialTokens, TimeProvider clock)
    {
        Source = source;
        _template = template;
        _specialTokens = specialTokens;
        _clock = clock;
    }

    /// <summary>The template's text.</summary>
    public string Source { get; }

    /// <summary>True where the template itself marks what the assistant writes.</summary>
    public bool HasGenerationBlocks => _template.HasGenerationBlocks;

    /// <summary>A template and the special tokens that it sees under their names, such as bos_token.</summary>
    /// <exception cref="TemplateException">The template is not well formed.</exception>
    public static ChatTemplate Compile(string text, IReadOnlyDictionary<string, string> specialTokens, TemplateLimits? limits = null, TimeProvider? clock = null) =>
        new(text, Template.Compile(text, limits), specialTokens, clock ?? TimeProvider.System);

    /// <summary>
    /// The template of a tokenizer's files, with its special tokens; null where they have none. <paramref name="text"/> takes the template's place, such as that of a GGUF file.
    /// </summary>
    /// <exception cref="TemplateException">The template is not well formed.</exception>
    public static ChatTemplate? Of(TokenizerConfig config, string? text = null, TemplateLimits? limits = null, TimeProvider? clock = null)
    {
        ArgumentNullException.ThrowIfNull(config);
        text ??= config.ChatTemplate;
        if (text is null) return null;
        (string Name, string? Token)[] tokens =
        [
            ("bos_token", config.BosToken), ("eos_token", config.EosToken), ("unk_token", config.UnknownToken), ("sep_token", config.SepToken), ("pad_token", config.PadToken),
            ("cls_token", config.ClsToken), ("mask_token", config.MaskToken),
        ];
        return Compile(text, tokens.Where(t => t.Token is not null).ToDictionary(t => t.Name, t => t.Token!), limits, clock);
    }

    /// <summary>
    /// The conversation as text. <paramref name="addGenerationPrompt"/> appends what the assistant's answer begins with;
    /// <paramref name="continueFinal"/> ends the text where the last message's content ends; <paramref name="variables"/> are further variables of the template.
    /// </summary>
    /// <exception cref="TemplateException">The template failed or refused the conversation.</exception>
    public Rendered Render(
        IReadOnlyList<ChatMessage> messages,
        IReadOnlyList<object?>? tools = null,
        bool addGenerationPrompt = false,
        bool continueFinal = false,
        IReadOnlyDictionary<string, object?>? variables = null)
    {
        if (addGenerationPrompt && continueFinal) throw new TemplateException(TemplateErrorKind.Value, FinalMessage.NotWithPrompt);
        List<object?> chat = messages.Select(object? (m) => MessageValue(m)).ToList();
        FinalMessage? final = continueFinal ? FinalMessage.Mark(chat, Source) : null;
        Rendered rendered = Render(chat, tools, addGenerationPrompt, variables);
        return final is null ? rendered : final.Cut(rendered);
    }

    /// <summary>
    /// The conversation as text, with what the assistant writes. Without generation blocks an assistant's span runs from the end of the text with the
    /// generation prompt before its message to the end of the text that includes the message.
    /// </summary>
    /// <exception cref="TemplateException">The template failed, or its text of the first messages is not how the whole text begins.</exception>
    public Rendered RenderForTraining(IReadOnlyList<ChatMessage> messages, IReadOnlyList<object?>? tools = null, IReadOnlyDictionary<string, object?>? variables = null)
    {
        List<object?> chat = messages.Select(object? (m) => MessageValue(m)).ToList();
        Rendered whole = Render(chat, tools, false, variables);
        if (HasGenerationBlocks) return whole;
        var spans = new List<TextSpan>();
        for (int i = 0; i < messages.Count; i++)
        {
            if (messages[i].Role != "assistant") continue;
            int start = PrefixLength(chat[..i], addGenerationPrompt: true, i);
            int end = i + 1 == messages.Count ? whole.Text.Length : PrefixLength(chat[..(i + 1)], addGenerationPrompt: false, i);
            spans.Add(new TextSpan(CodePoints(start), CodePoints(Math.Max(start, end))));
        }

        return whole with { AssistantSpans = spans };

        int CodePoints(int units) => Jinja.Python.CodePoints.Count(whole.Text.AsSpan(0, units));

        int PrefixLength(List<object?> first, bool addGenerationPrompt, int message)
        {
            string text = Render(first, tools, addGenerationPrompt, variables).Text;
            if (!whole.Text.StartsWith(text, StringComparison.Ordinal))
                throw new TemplateException(TemplateErrorKind.Unsupported,
                    $"the part of message {message + 1} that the assistant writes cannot be told: the text of the messages up to it is not how the whole text begins; "
                    + "a template with {% generation %} marks, or loss_on: all, is needed");
            return text.Length;
        }
    }

    private Rendered Render(List<object?> chat, IReadOnlyList<object?>? tools, bool addGenerationPrompt, IReadOnlyDictionary<string, object?>? variables)
    {
        var names = new Dictionary<string, object?>(StringComparer.Ordinal);
        foreach ((string name, string token) in _specialTokens) names[name] = new TextValue(token);
        if (variables is not null)
            foreach ((string name, object? value) in variables) names[name] = TemplateData.From(value);
        names["messages"] = new ListValue(chat);
        names["tools"] = tools is null ? null : TemplateData.From(tools);
        names.TryAdd("documents", null);
        names["add_generation_prompt"] = addGenerationPrompt;
        TemplateResult result = _template.RenderValues(names, _clock.GetLocalNow().DateTime);
        return new Rendered(result.Text, Spans(result.GenerationSpans), Spans(result.ContentSpans));
    }

    private static List<TextSpan> Spans(IReadOnlyList<(int Start, int End)> spans) => spans.Select(s => new TextSpan(s.Start, s.End)).ToList();

    /// <summary>The message as the template sees it: all its text counts as content, except the role.</summary>
    private static DictValue MessageValue(ChatMessage message)
    {
        var dict = new DictValue();
        foreach ((string name, object? value) in message.Fields)
        {
            if (value is null or JsonElement { ValueKind: JsonValueKind.Null }) continue;
            dict.Set(new TextValue(name), TemplateData.From(value, fromMessage: name != "role"));
        }

        foreach (string name in (string[])["reasoning_content", "thinking", "reasoning"])
        {
            if (!dict.TryGet(name, out object? reasoning)) continue;
            if (!dict.TryGet("reasoning_content", out _)) dict.Set(new TextValue("reasoning_content"), reasoning);
            if (!dict.TryGet("thinking", out _)) dict.Set(new TextValue("thinking"), reasoning);
            break;
        }

        return dict;
    }
}
