using System.Text.Json;
using KernelTune.Text.Chat;

namespace KernelTune.Data;

/// <summary>What the rows of a file are.</summary>
public enum ExampleFormat
{
    /// <summary>Told from the fields of the first row.</summary>
    Auto,

    /// <summary><c>messages</c>: a conversation; also <c>tools</c> and <c>chat_template_kwargs</c>.</summary>
    Messages,

    /// <summary><c>prompt</c> and <c>completion</c>: two texts, or two lists of messages.</summary>
    PromptCompletion,

    /// <summary><c>text</c>.</summary>
    Text,

    /// <summary><c>instruction</c>, perhaps <c>input</c>, and <c>output</c> (Alpaca's); also <c>question</c> and <c>answer</c>, <c>source</c> and <c>target</c>.</summary>
    Instruction,

    /// <summary><c>text</c>, perhaps <c>text_pair</c>, and <c>label</c>.</summary>
    Classification,

    /// <summary><c>tokens</c> and their <c>labels</c>.</summary>
    TokenLabels,

    /// <summary><c>context</c>, <c>question</c> and <c>answers</c> (SQuAD's).</summary>
    Squad,

    /// <summary>CSV, whatever the file is called; what its rows are is told from its columns.</summary>
    Csv,

    /// <summary>A folder with a folder of pictures a class: no rows, and read by another reader.</summary>
    ImageFolder,

    /// <summary><c>chosen</c> and <c>rejected</c>, with or without <c>prompt</c>: two texts, or two lists of messages.</summary>
    Preference,
}

/// <summary>One row of a data file.</summary>
/// <param name="Line">Its line, or its number in the file; from 1.</param>
public abstract record Example(long Line)
{
    /// <summary>What Line counts: "line", or "entry" of a JSON list, "row" of a table, "text" of a folder, "question".</summary>
    public string Unit { get; init; } = "line";
}

/// <summary>Plain text.</summary>
/// <param name="Line">Its line, from 1.</param>
/// <param name="Text">The text.</param>
/// <param name="IsDocument">A whole document: what is longer than a row goes on in the next one, and nothing is cut off.</param>
public sealed record TextExample(long Line, string Text, bool IsDocument = false) : Example(Line);

/// <summary>A text, and the text that should follow it.</summary>
public sealed record PromptCompletionExample(long Line, string Prompt, string Completion) : Example(Line);

/// <summary>A conversation, or (Completion is not null) its beginning and the messages that should follow.</summary>
/// <param name="Line">Its line, from 1.</param>
/// <param name="Messages">All messages, or those of the prompt.</param>
/// <param name="Completion">The messages that follow; null for a whole conversation.</param>
/// <param name="Tools">JSON schemas of tools; null for none.</param>
/// <param name="Variables">Further variables of the chat template; null for none.</param>
public sealed record ChatExample(
    long Line,
    IReadOnlyList<ChatMessage> Messages,
    IReadOnlyList<ChatMessage>? Completion,
    IReadOnlyList<object?>? Tools,
    IReadOnlyDictionary<string, object?>? Variables) : Example(Line);

/// <summary>Something asked for, and the answer.</summary>
/// <param name="Line">Its line, from 1.</param>
/// <param name="Instruction">What is asked for.</param>
/// <param name="Input">What it is about; empty for nothing.</param>
/// <param name="Output">The answer.</param>
/// <param name="System">What the model is told beforehand; null for nothing.</param>
/// <param name="History">Earlier questions and answers.</param>
/// <param name="IsPlain">A question rather than an instruction: no words of a prompt's belong around it.</param>
public sealed record InstructionExample(
    long Line,
    string Instruction,
    string Input,
    string Output,
    string? System = null,
    IReadOnlyList<(string Instruction, string Output)>? History = null,
    bool IsPlain = false) : Example(Line);

/// <summary>A text, or a pair of texts, and its class.</summary>
/// <param name="Line">Its line, from 1.</param>
/// <param name="Text">The text.</param>
/// <param name="Pair">The second text; null for none.</param>
/// <param name="Label">The class: a name, or a number as it is written.</param>
public sealed record ClassificationExample(long Line, string Text, string? Pair, string Label) : Example(Line);

/// <summary>Words and the label of each: names, or numbers as they are written.</summary>
public sealed record TokenLabelsExample(long Line, IReadOnlyList<string> Words, IReadOnlyList<string> Labels) : Example(Line);
