using KernelTune.Text.Gguf;

namespace KernelTune.Text;

public sealed partial class Tokenizer
{
    private const string MainFile = "tokenizer.json";

    private static readonly string[] CompanionFiles = ["tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja"];

    /// <summary>Reads tokenizer.json of a folder, and what stands beside it; without one: vocab.json and merges.txt, a SentencePiece model, tiktoken ranks or vocab.txt.</summary>
    /// <exception cref="TokenizerException">The file is missing or wrong: which key, what was found and what was wanted.</exception>
    public static Tokenizer Load(string folder)
    {
        string path = Path.Combine(folder, MainFile);
        if (!File.Exists(path)) return (Directory.Exists(folder) ? LoadOther(folder) : null) ?? throw new TokenizerException(path, "", "the file is missing, and there is no other vocabulary");
        var companions = CompanionFiles.Where(name => File.Exists(Path.Combine(folder, name))).ToDictionary(name => name, name => File.ReadAllBytes(Path.Combine(folder, name)));
        return new Tokenizer(path, File.ReadAllBytes(path), TokenizerConfig.Read(folder), companions);
    }

    /// <summary>Reads the bytes of a tokenizer.json.</summary>
    /// <param name="json">The file's bytes.</param>
    /// <param name="name">What messages call it.</param>
    /// <param name="config">What the files beside it would say.</param>
    /// <exception cref="TokenizerException">The file is wrong: which key, what was found and what was wanted.</exception>
    public static Tokenizer Parse(ReadOnlySpan<byte> json, string name = MainFile, TokenizerConfig? config = null) =>
        new(name, json.ToArray(), config ?? new TokenizerConfig(), new Dictionary<string, byte[]>());

    /// <summary>Builds the tokenizer that a GGUF file's metadata describe: <c>tokenizer.ggml.model</c> gpt2 (with <c>pre</c> and <c>merges</c>), llama or t5 (with <c>scores</c>) or bert.</summary>
    /// <param name="metadata">The file's keys and values; arrays as string[], int[], float[].</param>
    /// <param name="name">What messages call the file.</param>
    /// <exception cref="TokenizerException">A key is missing or wrong: which, what was found and what was wanted.</exception>
    /// <exception cref="TokenizerNotSupportedException">The model or its splitting rules are of a kind that is not built in.</exception>
    public static Tokenizer FromGguf(IReadOnlyDictionary<string, object> metadata, string name = "GGUF metadata")
    {
        ArgumentNullException.ThrowIfNull(metadata);
        var (sketch, config) = new GgufTokenizer(metadata, name).Read();
        return new Tokenizer(name, sketch.ToJson(), config, new Dictionary<string, byte[]>());
    }

    /// <summary>The bytes of tokenizer.json: those that it was read from.</summary>
    public ReadOnlyMemory<byte> ToJson() => source;

    /// <summary>Writes tokenizer.json, and the files that stood beside it, byte for byte as they were read.</summary>
    public void Save(string folder)
    {
        Directory.CreateDirectory(folder);
        File.WriteAllBytes(Path.Combine(folder, MainFile), source);
        foreach (var (name, bytes) in companions) File.WriteAllBytes(Path.Combine(folder, name), bytes);
    }
}
