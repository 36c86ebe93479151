using KernelTune.Text.Chat;

namespace KernelTune.Data;

/// <summary>A preference pair as tokens.</summary>
/// <param name="Line">The line of its example, from 1.</param>
/// <param name="Prompt">What both answers follow.</param>
/// <param name="Chosen">The better answer.</param>
/// <param name="Rejected">The worse one.</param>
public sealed record PreferenceRow(long Line, int[] Prompt, int[] Chosen, int[] Rejected);

/// <summary>
/// Preference data's preparation, as TRL's DPOTrainer does it: each answer is joined to the prompt and tokenized as supervised fine-tuning does; the prompt ends where the ids of the first
/// answer to do so leave those of the prompt by itself.
/// </summary>
public sealed class PreferencePreparation
{
    private readonly SftPreparation _preparation;
    private readonly SftOptions _options;
    private readonly string _file;

    /// <param name="encoder">The tokenizer.</param>
    /// <param name="template">The chat template; null: conversations are refused.</param>
    /// <param name="options">What is cut, and whether special tokens count inside messages.</param>
    /// <param name="file">The file that messages name.</param>
    public PreferencePreparation(ITextEncoder encoder, ChatTemplate? template, SftOptions options, string file)
    {
        ArgumentNullException.ThrowIfNull(options);
        (_options, _file) = (options, file);
        _preparation = new SftPreparation(encoder, template, new SftOptions { CompletionOnlyLoss = true, SpecialInContent = options.SpecialInContent }, file);
    }

    /// <summary>The rows of <paramref name="examples"/>. Where the start of rows is kept, those whose prompt leaves no room for an answer within max_length are left out and counted.</summary>
    /// <exception cref="DataException">An example that the tokenizer or the template cannot take; a sequence too long where that is refused.</exception>
    public IEnumerable<PreferenceRow> Prepare(IEnumerable<PreferenceExample> examples, PreparationAccount account)
    {
        ArgumentNullException.ThrowIfNull(examples);
        ArgumentNullException.ThrowIfNull(account);
        foreach (PreferenceExample example in examples)
        {
            account.Examples++;
            PreferenceRow row = Row(example);
            int longest = row.Prompt.Length + Math.Max(row.Chosen.Length, row.Rejected.Length);
            if (longest > _options.MaxLength)
            {
                if (_options.Strict) throw new DataException(_file, $"a sequence of {longest} tokens was found, at most {_options.MaxLength} (max_length) wanted", example.Line, unit: example.Unit);
                account.Truncated++;
                account.TokensCut += Math.Max(0, row.Prompt.Length + row.Chosen.Length - _options.MaxLength.Value) + Math.Max(0, row.Prompt.Length + row.Rejected.Length - _options.MaxLength.Value);
                if (_options.Truncation == TruncationSide.KeepStart && row.Prompt.Length >= _options.MaxLength)
                {
                    account.Unlabelled++;
                    account.Dropped++;
                    continue;
                }
            }

            account.Rows++;
            account.Tokens += (2 * row.Prompt.Length) + row.Chosen.Length + row.Rejected.Length;
            account.LabelTokens += row.Chosen.Length + row.Rejected.Length;
            account.LongestRow = Math.Max(account.LongestRow, longest);
            yield return row;
        }
    }

    /// <summary>One pair's tokens, before anything is cut.</summary>
    /// <exception cref="DataException">The tokenizer or the template cannot take it.</exception>
    public PreferenceRow Row(PreferenceExample pair)
    {
        ArgumentNullException.ThrowIfNull(pair);
        PreferenceExample whole = PreferenceConversions.WithPrompt(pair);
        TokenRow chosen = _preparation.Sequence(Joined(whole, whole.Chosen)), rejected = _preparation.Sequence(Joined(whole, whole.Rejected));
        int prompt = Math.Min(PromptLength(chosen), PromptLength(rejected));
        return new PreferenceRow(pair.Line, chosen.Ids[..prompt], chosen.Ids[prompt..], rejected.Ids[prompt..]);
    }

    private Example Joined(PreferenceExample pair, Passage answer) => (pair.Prompt, answer) switch
    {
        ({ Text: { } prompt }, { Text: { } text }) => new PromptCompletionExample(pair.Line, prompt, text) { Unit = pair.Unit },
        ({ Messages: { } prompt }, { Messages: { } messages }) => new ChatExample(pair.Line, prompt, messages, pair.Tools, pair.Variables) { Unit = pair.Unit },
        _ => throw new DataException(_file, "texts and messages were found in one pair, the prompt and both answers of one kind wanted", pair.Line, unit: pair.Unit),
    };

    private static int PromptLength(TokenRow row)
    {
        int label = row.Labels.AsSpan().IndexOfAnyExcept(TokenRow.Ignored);
        return label < 0 ? row.Ids.Length : label;
    }
}
