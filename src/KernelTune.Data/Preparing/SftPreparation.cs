using KernelTune.Text;
using KernelTune.Text.Chat;
using KernelTune.Text.Jinja;

namespace KernelTune.Data;

/// <summary>
/// Supervised fine-tuning's preparation, as TRL's SFTTrainer does it: text and end token tokenized together; prompt and completion joined as text, the
/// completion beginning where the ids of both leave those of the prompt; conversations rendered and tokenized without added tokens; then labels, truncation, packing.
/// </summary>
public sealed class SftPreparation
{
    private readonly ITextEncoder _encoder;
    private readonly ChatTemplate? _template;
    private readonly SftOptions _options;
    private readonly string _file;

    /// <param name="encoder">The tokenizer.</param>
    /// <param name="template">The chat template; null: conversations are refused.</param>
    /// <param name="options">What counts and what is cut.</param>
    /// <param name="file">The file that messages name.</param>
    /// <exception cref="ArgumentException">max_length is not positive, or missing although rows are packed.</exception>
    public SftPreparation(ITextEncoder encoder, ChatTemplate? template, SftOptions options, string file)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.MaxLength < 1) throw new ArgumentException($"max_length {options.MaxLength} was found, at least 1 wanted", nameof(options));
        if (options.Packing != Packing.None && options.MaxLength is null) throw new ArgumentException("packing needs max_length", nameof(options));
        (_encoder, _template, _options, _file) = (encoder, template, options, file);
    }

    /// <summary>The rows of <paramref name="examples"/>; <paramref name="account"/> is complete once all were read.</summary>
    /// <exception cref="DataException">An example that the tokenizer or the template cannot take; a sequence too long where that is refused.</exception>
    public IEnumerable<TokenRow> Prepare(IEnumerable<Example> examples, PreparationAccount account)
    {
        ArgumentNullException.ThrowIfNull(account);
        IEnumerable<TokenRow> rows = Sequences(examples, account);
        if (_options.Packing != Packing.None) rows = RowPacking.Pack(rows, _options.MaxLength!.Value, _options.Packing);
        foreach (TokenRow row in rows)
        {
            account.Rows++;
            account.Tokens += row.Ids.Length;
            account.LabelTokens += row.Labels.Count(l => l != TokenRow.Ignored);
            account.LongestRow = Math.Max(account.LongestRow, row.Ids.Length);
            yield return row;
        }
    }

    private IEnumerable<TokenRow> Sequences(IEnumerable<Example> examples, PreparationAccount account)
    {
        bool drop = _options.DropUnlabelled ?? (_options.MaxLength is not null && _options.Packing == Packing.None);
        foreach (Example example in examples)
        {
            account.Examples++;
            TokenRow whole = Sequence(example);
            if (example is TextExample { IsDocument: true } && _options.MaxLength is { } most && whole.Ids.Length > most)
            {
                for (int at = 0; at < whole.Ids.Length; at += most)
                    yield return whole with { Ids = whole.Ids[at..Math.Min(whole.Ids.Length, at + most)], Labels = whole.Labels[at..Math.Min(whole.Ids.Length, at + most)] };
                continue;
            }

            TokenRow row = Truncated(whole, example, account);
            if (!row.HasLabels)
            {
                account.Unlabelled++;
                if (drop)
                {
                    account.Dropped++;
                    continue;
                }
            }

            yield return row;
        }
    }

    /// <summary>One example's tokens and labels, before anything is cut.</summary>
    /// <exception cref="DataException">The tokenizer or the template cannot take it.</exception>
    public TokenRow Sequence(Example example)
    {
        try
        {
            return LanguageExamples.Of(example, _template is not null, _file) switch
            {
                PromptCompletionExample pair when _options.SourceApart => Apart(pair),
                var other when _options.SourceApart => throw new DataException(_file, "a text or a conversation was found; prompt and completion wanted: one is read by the encoder, the other said by the decoder", other.Line, unit: other.Unit),
                TextExample text => Labelled(text.Line, Ids(WithEnd(text.Text, text)), 0, null),
                PromptCompletionExample pair => PromptCompletion(pair),
                ChatExample chat => Chat(chat),
                _ => throw new DataException(_file, $"an example of type {example.GetType().Name} cannot be prepared", example.Line, unit: example.Unit),
            };
        }
        catch (Exception e) when (e is TemplateException or TokenizerException)
        {
            throw new DataException(_file, e.Message, example.Line, inner: e, unit: example.Unit);
        }
    }

    private string WithEnd(string text, Example example)
    {
        string end = _encoder.EndToken ?? throw new DataException(_file, "the tokenizer has no end token to close a text with", example.Line, unit: example.Unit);
        return text.EndsWith(end, StringComparison.Ordinal) ? text : text + end;
    }

    private int[] Ids(string text) => _encoder.Encode(text, addSpecialTokens: true, Ordinary(text)).Ids;

    /// <summary>In plain text all is the user's, except the end token that closes it.</summary>
    private TextSpan[] Ordinary(string text)
    {
        if (_options.SpecialInContent) return [];
        int length = CodePoints(text);
        string? end = _encoder.EndToken;
        if (end is { Length: > 0 } && text.EndsWith(end, StringComparison.Ordinal)) length -= CodePoints(end);
        return length > 0 ? [new TextSpan(0, length)] : [];
    }

    private static int CodePoints(string text)
    {
        int n = 0;
        foreach (System.Text.Rune _ in text.EnumerateRunes()) n++;
        return n;
    }

    private TokenRow PromptCompletion(PromptCompletionExample pair)
    {
        // The end token belongs to the completion alone: a prompt that ends with its text keeps that as text.
        string completion = WithEnd(pair.Completion, pair);
        int[] ids = Ids(pair.Prompt + completion);
        int[] prompt = _encoder.Encode(pair.Prompt, addSpecialTokens: true, _options.SpecialInContent ? [] : [new TextSpan(0, CodePoints(pair.Prompt))]).Ids;
        return Labelled(pair.Line, ids, _options.CompletionOnlyLoss ? CommonPrefix(prompt, ids) : 0, null);
    }

    private TokenRow Apart(PromptCompletionExample pair)
    {
        // Tokenizers of encoder-decoders close a text by themselves; without that no answer would ever end.
        int[] ids = Text(pair.Completion);
        if (_encoder.EndToken is { } end && _encoder.Encode(end, addSpecialTokens: false, []).Ids is [var close] && (ids.Length == 0 || ids[^1] != close)) ids = [.. ids, close];
        return new TokenRow(pair.Line, ids, [.. ids]) { Source = Text(pair.Prompt) };

        int[] Text(string text) => _encoder.Encode(text, addSpecialTokens: true, _options.SpecialInContent || text.Length == 0 ? [] : [new TextSpan(0, CodePoints(text))]).Ids;
    }

    private TokenRow Chat(ChatExample chat)
    {
        ChatTemplate template = _template ?? throw new DataException(_file, "a conversation was found, and the model has no chat template", chat.Line, unit: chat.Unit);
        ChatMessage[] messages = chat.Completion is null ? [.. chat.Messages] : [.. chat.Messages, .. chat.Completion];
        Rendered rendered = _options.AssistantOnlyLoss
            ? template.RenderForTraining(messages, chat.Tools, chat.Variables)
            : template.Render(messages, chat.Tools, variables: chat.Variables);
        EncodedText encoded = Encode(rendered);
        int start = 0;
        if (chat.Completion is not null && _options.CompletionOnlyLoss)
        {
            Rendered prompt = template.Render(chat.Messages, chat.Tools, addGenerationPrompt: true, variables: chat.Variables);
            start = CommonPrefix(Encode(prompt).Ids, encoded.Ids);
        }

        return Labelled(chat.Line, encoded.Ids, start, _options.AssistantOnlyLoss ? AssistantTokens(encoded, rendered.AssistantSpans) : null);
    }

    private EncodedText Encode(Rendered rendered) =>
        _encoder.Encode(rendered.Text, addSpecialTokens: false, _options.SpecialInContent ? [] : rendered.ContentSpans);

    private static int CommonPrefix(int[] prompt, int[] all) => prompt.AsSpan().CommonPrefixLength(all);

    /// <summary>The tokens of the spans, as Transformers finds them: see goldens/tokenizers/README.md.</summary>
    private static bool[] AssistantTokens(EncodedText encoded, IReadOnlyList<TextSpan> spans)
    {
        var mask = new bool[encoded.Ids.Length];
        foreach (TextSpan span in spans)
        {
            int first = encoded.TokenAt(span.Start);
            if (first < 0) break;
            int last = encoded.TokenAt(span.End - 1);
            int end = last > 0 ? last + 1 : mask.Length;       // no token, or (a quirk of the original) token 0: to the end
            for (int i = first; i < end; i++) mask[i] = true;
        }

        return mask;
    }

    private static TokenRow Labelled(long line, int[] ids, int start, bool[]? assistant)
    {
        var labels = new int[ids.Length];
        for (int i = 0; i < ids.Length; i++) labels[i] = i >= start && (assistant is null || assistant[i]) ? ids[i] : TokenRow.Ignored;
        return new TokenRow(line, ids, labels);
    }

    private TokenRow Truncated(TokenRow row, Example example, PreparationAccount account)
    {
        if (row.Source is not null) return TruncatedApart(row, account);
        if (_options.MaxLength is not { } most || row.Ids.Length <= most) return row;
        if (_options.Strict) throw new DataException(_file, $"a sequence of {row.Ids.Length} tokens was found, at most {most} (max_length) wanted", example.Line, unit: example.Unit);
        if (_options.Packing is Packing.BestFitSplit or Packing.Wrapped) return row;
        account.Truncated++;
        account.TokensCut += row.Ids.Length - most;
        if (_options.Packing == Packing.BestFit || _options.Truncation == TruncationSide.KeepStart) return row with { Ids = row.Ids[..most], Labels = row.Labels[..most] };
        return row with { Ids = row.Ids[^most..], Labels = row.Labels[^most..] };
    }

    // As tokenizers cut: the token that closes a text stays.
    private TokenRow TruncatedApart(TokenRow row, PreparationAccount account)
    {
        if (_options.MaxLength is not { } most || (row.Ids.Length <= most && row.Source!.Length <= most)) return row;
        if (_options.Strict) throw new DataException(_file, $"{row.Source!.Length} tokens for {row.Ids.Length} were found, at most {most} (max_length) of each wanted", row.Line);
        account.Truncated++;
        account.TokensCut += Math.Max(0, row.Ids.Length - most) + Math.Max(0, row.Source!.Length - most);
        return row with { Ids = Cut(row.Ids), Labels = Cut(row.Labels), Source = Cut(row.Source) };

        int[] Cut(int[] ids) => ids.Length <= most ? ids : _options.Truncation == TruncationSide.KeepStart ? [.. ids[..(most - 1)], ids[^1]] : ids[^most..];
    }
}
