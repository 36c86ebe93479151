using System.Text;
using KernelTune.Data;
using KernelTune.Text;
using KernelTune.Text.Chat;
using KernelTune.Training.Runs;

namespace KernelTune.Cli.Models;

/// <summary>What a model is asked: a conversation that it answers, or a text that it goes on with; of both the text is what a model without conversations is asked.</summary>
internal sealed record Prompt(string? Text, IReadOnlyList<ChatMessage>? Messages)
{
    /// <summary>The prompts of a JSON Lines file.</summary>
    /// <exception cref="DataException">The file or a line cannot be used.</exception>
    public static IReadOnlyList<Prompt> ReadFile(string path) => [.. PromptFile.Read(path).Select(p => new Prompt(p.Text, p.Messages))];

    /// <summary>What stands on standard input, without its last newline.</summary>
    /// <exception cref="DataException">It is not UTF-8.</exception>
    public static string ReadStandardInput()
    {
        using Stream input = Console.OpenStandardInput();
        using var bytes = new MemoryStream();
        input.CopyTo(bytes);
        try
        {
            return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(bytes.GetBuffer().AsSpan(0, (int)bytes.Length)).TrimEnd('\n', '\r');
        }
        catch (DecoderFallbackException e)
        {
            throw new DataException("standard input", $"byte 0x{e.BytesUnknown![0]:X2} was found at offset {e.Index}, UTF-8 wanted", inner: e);
        }
    }

    /// <summary>The ids that the model is given.</summary>
    /// <param name="text">The model's tokenizer and chat template.</param>
    /// <param name="system">A system message; null: none.</param>
    /// <param name="readsTexts">Whether the model reads texts as they are where it has no template: an encoder does.</param>
    /// <exception cref="UsageException">A conversation, and the model has no chat template.</exception>
    public int[] Encode(TextTools text, string? system, bool readsTexts = false)
    {
        if (Messages is null || (Text is not null && readsTexts && text.Template is null)) return text.Tokenizer.EncodeIds(Text!);
        if (text.Template is null) throw new UsageException("the model has no chat template: --raw continues the prompt as it is");
        IReadOnlyList<ChatMessage> messages = system is null ? Messages : [new ChatMessage("system", system), .. Messages];
        Rendered rendered = text.Template.Render(messages, addGenerationPrompt: true);
        // What a user wrote stays text, even where it looks like one of the template's marks.
        return text.Tokenizer.EncodeIds(rendered.Text, addSpecialTokens: false, new EncodeOptions { OrdinaryText = rendered.ContentSpans });
    }
}
