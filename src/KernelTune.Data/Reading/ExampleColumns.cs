namespace KernelTune.Data;

/// <summary>The parts of examples by the names that a recipe's <c>columns</c> gives them.</summary>
public static class ExampleColumns
{
    public static IReadOnlyList<string> Names { get; } =
    [
        "text", "text_pair", "label", "messages", "prompt", "completion", "chosen", "rejected", "instruction", "input", "output", "system", "history", "tokens", "labels", "context", "question", "answers", "id", "title",
        "tools", "chat_template_kwargs",
    ];
}
