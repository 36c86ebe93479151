using KernelTune.Checkpoints;
using KernelTune.Data;
using KernelTune.Text;
using KernelTune.Text.Chat;

namespace KernelTune.Training.Runs;

/// <summary>A model's tokenizer and chat template, found beside its weights.</summary>
public sealed class TextTools
{
    private TextTools(Tokenizer tokenizer, ChatTemplate? template) => (Tokenizer, Template) = (tokenizer, template);

    public Tokenizer Tokenizer { get; }

    /// <summary>The chat template; null where the model has none.</summary>
    public ChatTemplate? Template { get; }

    /// <summary>What preparing data asks for.</summary>
    public ITextEncoder Encoder => new TokenizerEncoder(Tokenizer);

    /// <summary>The same template with another tokenizer.</summary>
    public TextTools With(Tokenizer tokenizer) => new(tokenizer, Template);

    /// <summary>Reads the tokenizer of a folder, or, where no vocabulary lies there, that of a GGUF file's metadata.</summary>
    /// <param name="folder">The model's folder.</param>
    /// <param name="gguf">Its GGUF file; null: it is none.</param>
    /// <exception cref="TokenizerException">There is none, or it cannot be used.</exception>
    public static TextTools Open(string folder, GgufFile? gguf = null)
    {
        var tokenizer = gguf is null || Tokenizer.IsIn(folder) ? Tokenizer.Load(folder) : Tokenizer.FromGguf(gguf.Metadata, gguf.Location);
        return new TextTools(tokenizer, ChatTemplate.Of(tokenizer.Config));
    }
}
