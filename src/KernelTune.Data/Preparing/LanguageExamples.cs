using System.Text;
using KernelTune.Text.Chat;

namespace KernelTune.Data;

/// <summary>Examples of every kind as what a language model is taught with: a text, a prompt and its completion, or a conversation.</summary>
public static class LanguageExamples
{
    /// <summary>What a question is answered with that its context does not answer.</summary>
    public const string NoAnswer = "unanswerable";

    /// <summary>
    /// The example as a text, prompt and completion, or conversation. Where the model has a chat template, what is asked for and the answer become a conversation; where it has none, an
    /// instruction stands in Alpaca's prompt (Taori et al., 2023), and other questions by themselves on lines of their own. Of a preference pair the better answer is taken.
    /// </summary>
    /// <param name="example">Any example.</param>
    /// <param name="hasTemplate">Whether the model has a chat template.</param>
    /// <param name="file">The file that messages name.</param>
    /// <exception cref="DataException">Labels of words: nothing is said in them.</exception>
    public static Example Of(Example example, bool hasTemplate, string file)
    {
        ArgumentNullException.ThrowIfNull(example);
        Example said = Said(example, hasTemplate, file);
        return said.Unit == example.Unit ? said : said with { Unit = example.Unit };
    }

    private static Example Said(Example example, bool hasTemplate, string file)
    {
        switch (example)
        {
            case InstructionExample asked:
                return hasTemplate ? Conversation(asked) : new PromptCompletionExample(asked.Line, Prompt(asked), asked.Output);
            case ClassificationExample text:
                string both = text.Pair is null ? text.Text : $"{text.Text}\n{text.Pair}";
                return Said(new InstructionExample(text.Line, both, "", text.Label, IsPlain: true), hasTemplate, file);
            case QuestionExample question:
                string answer = question.Answers.Count > 0 ? question.Answers[0].Text : NoAnswer;
                return hasTemplate
                    ? Conversation(new InstructionExample(question.Line, question.Context, question.Question, answer))
                    : new PromptCompletionExample(question.Line, $"{question.Context}\n\nQuestion: {question.Question}\nAnswer:", $" {answer}");
            case PreferenceExample pair:
                PreferenceExample whole = PreferenceConversions.WithPrompt(pair);
                return (whole.Prompt, whole.Chosen) switch
                {
                    ({ Text: { } prompt }, { Text: { } chosen }) => new PromptCompletionExample(pair.Line, prompt, chosen),
                    ({ Messages: { } prompt }, { Messages: { } chosen }) => new ChatExample(pair.Line, prompt, chosen, pair.Tools, pair.Variables),
                    _ => throw new DataException(file, "texts and messages were found in one pair, the prompt and both answers of one kind wanted", pair.Line, unit: pair.Unit),
                };
            case TokenLabelsExample:
                throw new DataException(file, "labelled words were found; texts, conversations or questions and answers wanted for a language model", example.Line, unit: example.Unit);
            default:
                return example;
        }
    }

    private static ChatExample Conversation(InstructionExample asked)
    {
        var messages = new List<ChatMessage>();
        if (asked.System is { Length: > 0 } system) messages.Add(new ChatMessage("system", system));
        foreach ((string question, string answer) in asked.History ?? [])
        {
            messages.Add(new ChatMessage("user", question));
            messages.Add(new ChatMessage("assistant", answer));
        }

        messages.Add(new ChatMessage("user", asked.Input.Length > 0 ? $"{asked.Instruction}\n\n{asked.Input}" : asked.Instruction));
        return new ChatExample(asked.Line, messages, [new ChatMessage("assistant", asked.Output)], null, null);
    }

    private static string Prompt(InstructionExample asked)
    {
        var prompt = new StringBuilder();
        if (asked.System is { Length: > 0 } system) prompt.Append(system).Append("\n\n");
        foreach ((string question, string answer) in asked.History ?? []) prompt.Append(question).Append('\n').Append(answer).Append("\n\n");
        if (asked.IsPlain) return prompt.Append(asked.Input.Length > 0 ? $"{asked.Input}\n\n{asked.Instruction}\n" : $"{asked.Instruction}\n").ToString();
        return prompt.Append(asked.Input.Length > 0
            ? "Below is an instruction that describes a task, paired with an input that provides further context. Write a response that appropriately completes the request.\n\n"
            : "Below is an instruction that describes a task. Write a response that appropriately completes the request.\n\n")
            .Append("### Instruction:\n").Append(asked.Instruction).Append("\n\n")
            .Append(asked.Input.Length > 0 ? $"### Input:\n{asked.Input}\n\n" : "")
            .Append("### Response:\n").ToString();
    }
}
