using System.Text;
using KernelTune.Text.Chat;

namespace KernelTune.Data;

/// <summary>Looks at a data file without a tokenizer: what it is, how long its examples are in characters, which come twice.</summary>
public static class DataInspection
{
    /// <exception cref="DataException">The file, or a row of it, cannot be used.</exception>
    public static SplitReport Of(string path, ReadOptions options)
    {
        var (facts, reading, preparing) = (new RowFacts(), new ReadAccount(), new PreparationAccount());
        foreach (Example example in ExampleFile.Read(path, options, reading))
        {
            string text = Text(example);
            int length = text.EnumerateRunes().Count();
            facts.Rows.Add(new RowFact(RowFacts.Hash(Encoding.UTF8.GetBytes(text)), length, length, 0));
            facts.Count(example);
            preparing.Examples++;
        }

        return facts.Report("data", null, [new FileAccount(path, reading, preparing)], null, "characters");
    }

    /// <summary>All that is said in an example, its parts on lines of their own.</summary>
    private static string Text(Example example) => example switch
    {
        TextExample text => text.Text,
        PromptCompletionExample pair => $"{pair.Prompt}\n{pair.Completion}",
        ChatExample chat => Text([.. chat.Messages, .. chat.Completion ?? []]),
        InstructionExample asked => string.Join('\n', [asked.System ?? "", .. (asked.History ?? []).SelectMany(h => (string[])[h.Instruction, h.Output]), asked.Instruction, asked.Input, asked.Output]),
        ClassificationExample one => $"{one.Text}\n{one.Pair}",
        TokenLabelsExample words => string.Join(' ', words.Words),
        QuestionExample question => $"{question.Context}\n{question.Question}",
        PreferenceExample pair => $"{Text(pair.Prompt)}\n{Text(pair.Chosen)}\n{Text(pair.Rejected)}",
        JudgedExample judged => $"{Text(judged.Prompt)}\n{Text(judged.Completion)}",
        _ => "",
    };

    private static string Text(Passage? passage) => passage?.Text ?? Text(passage?.Messages ?? []);

    private static string Text(IEnumerable<ChatMessage> messages) => string.Join('\n', messages.Select(m => string.Join(": ", m.Fields.Select(f => f.Value?.ToString()))));
}
