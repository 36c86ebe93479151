using KernelTune.Text.Jinja;
using KernelTune.Text.Jinja.Python;
using KernelTune.Text.Jinja.Values;

namespace KernelTune.Text.Chat;

/// <summary>
/// continue_final_message, Transformers' way: a mark is written after the last message's content, and the text is cut where the mark comes out. A
/// template that trims the content moves the mark's own blank, which tells that the text must be trimmed too.
/// </summary>
internal sealed class FinalMessage
{
    public const string NotWithPrompt = "continue_final_message and add_generation_prompt are not compatible. Use continue_final_message when you want the model "
        + "to continue the final message, and add_generation_prompt when you want to add a header that will prompt it to start a new assistant message instead.";

    private const string Tag = "CONTINUE_FINAL_MESSAGE_TAG ";
    private readonly string _content;

    private FinalMessage(string content) => _content = content;

    /// <summary>Marks the last message of <paramref name="chat"/>, in place.</summary>
    /// <exception cref="TemplateException">There is no text to continue, or the template never asks for it.</exception>
    public static FinalMessage Mark(List<object?> chat, string template)
    {
        if (chat.Count == 0) throw new TemplateException(TemplateErrorKind.Index, "list index out of range");
        var last = (DictValue)chat[^1]!;
        if (!last.TryGet("content", out object? content) || content is null)
            throw new TemplateException(TemplateErrorKind.Value, "continue_final_message is set but the final message has no \"content\" to continue!");
        if (!template.Contains("content", StringComparison.Ordinal))
            throw new TemplateException(TemplateErrorKind.Value, "continue_final_message is set to \"content\" but this is not an accepted field in the chat_template");
        TextValue text;
        object? marked;
        switch (content)
        {
            case TextValue whole:
                text = whole;
                marked = Marked(whole);
                break;
            case ListValue parts:
                object?[] items = parts.Items.ToArray();
                int at = Array.FindLastIndex(items, i => i is DictValue part && part.TryGet("text", out _));
                if (at < 0) throw new TemplateException(TemplateErrorKind.Value, "continue_final_message is set but we could not find any text to continue in the final message!");
                var block = (DictValue)items[at]!;
                block.TryGet("text", out object? held);
                text = held as TextValue ?? throw Concatenation(held);
                items[at] = With(block, "text", Marked(text));
                marked = new ListValue(items);
                break;
            default:
                throw Concatenation(content);
        }

        chat[^1] = With(last, "content", marked);
        return new FinalMessage(text.Text);
    }

    /// <summary>The text up to the mark.</summary>
    /// <exception cref="TemplateException">The template dropped the content or the mark.</exception>
    public Rendered Cut(Rendered rendered)
    {
        string text = rendered.Text, trimmed = _content.Trim(Characters.WhiteSpace);
        int at = text.LastIndexOf(Tag.TrimEnd(), StringComparison.Ordinal);
        if (at < 0 || !text.Contains(trimmed, StringComparison.Ordinal))
            throw new TemplateException(TemplateErrorKind.Value,
                "continue_final_message is set but the final message does not appear in the chat after applying the chat template! This can happen if the chat template deletes "
                + "portions of the final message. Please verify the chat template and final message in your chat to ensure they are compatible."
                + $"Final message to continue: {trimmed}\nRendered chat:\n{text}");
        bool spacingKept = string.CompareOrdinal(text, at, Tag, 0, Tag.Length) == 0;
        string kept = spacingKept ? text[..at] : text[..at].TrimEnd(Characters.WhiteSpace);
        int length = CodePoints.Count(kept);
        return new Rendered(kept, Clip(rendered.AssistantSpans), Clip(rendered.ContentSpans));
        List<TextSpan> Clip(IReadOnlyList<TextSpan> spans) =>
            spans.Where(s => s.Start < length).Select(s => s with { End = Math.Min(s.End, length) }).ToList();
    }

    private static TextValue Marked(TextValue text) => new TextBuilder().Append(text).Append(Tag).ToValue();

    private static DictValue With(DictValue dict, string key, object? value)
    {
        var copy = new DictValue();
        foreach ((object? k, object? v) in dict.Entries) copy.Set(k, v);
        copy.Set(new TextValue(key), value);
        return copy;
    }

    private static TemplateException Concatenation(object? value) =>
        new(TemplateErrorKind.Type, $"unsupported operand type(s) for +: '{TypeNames.Of(value)}' and 'str'");
}
