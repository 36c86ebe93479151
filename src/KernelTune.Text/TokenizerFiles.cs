using KernelTune.Text.Gguf;

namespace KernelTune.Text;

public sealed partial class Tokenizer
{
    /// <summary>Reads tokenizer.json of a folder, and what stands beside it; without one: vocab.json and merges.txt, a SentencePiece model, tiktoken ranks or vocab.txt.</summary>
    /// <exception cref="TokenizerException">The file is missing or wrong: which key, what was found and what was wanted.</exception>
    public static Tokenizer Load(string folder)
    {
        string path = Path.Combine(folder, TokenizerFolder.Main);
        if (!File.Exists(path)) return (Directory.Exists(folder) ? LoadOther(folder) : null) ?? throw new TokenizerException(path, "", "the file is missing, and there is no other vocabulary");
        return new Tokenizer(path, File.ReadAllBytes(path), TokenizerConfig.Read(folder), TokenizerFolder.Companions(folder));
    }

    /// <summary>The names of a folder's files that are a tokenizer's: vocabularies, what stands beside them, chat templates.</summary>
    public static IReadOnlyList<string> FilesIn(string folder) => TokenizerFolder.List(folder);

    /// <summary>Whether a folder has a vocabulary that <see cref="Load"/> reads.</summary>
    public static bool IsIn(string folder)
    {
        var names = TokenizerFolder.List(folder);
        return names.Contains(TokenizerFolder.Main) || names.Contains("vocab.txt") || names.Contains("vocab.json") && names.Contains("merges.txt")
            || names.Any(n => SentencePieceFiles.Contains(n) || n.EndsWith(".tiktoken", StringComparison.Ordinal));
    }

    /// <summary>Reads the bytes of a tokenizer.json.</summary>
    /// <param name="json">The file's bytes.</param>
    /// <param name="name">What messages call it.</param>
    /// <param name="config">What the files beside it would say.</param>
    /// <exception cref="TokenizerException">The file is wrong: which key, what was found and what was wanted.</exception>
    public static Tokenizer Parse(ReadOnlySpan<byte> json, string name = TokenizerFolder.Main, TokenizerConfig? config = null) =>
        Built(name, json.ToArray(), config ?? new TokenizerConfig(), new Dictionary<string, byte[]>());

    /// <summary>Builds the tokenizer that a GGUF file's metadata describe: <c>tokenizer.ggml.model</c> gpt2 (with <c>pre</c> and <c>merges</c>), llama or t5 (with <c>scores</c>) or bert.</summary>
    /// <param name="metadata">The file's keys and values; arrays as string[], int[], float[].</param>
    /// <param name="name">What messages call the file.</param>
    /// <exception cref="TokenizerException">A key is missing or wrong: which, what was found and what was wanted.</exception>
    /// <exception cref="TokenizerNotSupportedException">The model or its splitting rules are of a kind that is not built in.</exception>
    public static Tokenizer FromGguf(IReadOnlyDictionary<string, object> metadata, string name = "GGUF metadata")
    {
        ArgumentNullException.ThrowIfNull(metadata);
        var (sketch, config) = new GgufTokenizer(metadata, name).Read();
        return Built(name, sketch.ToJson(), config, new Dictionary<string, byte[]>());
    }

    private static Tokenizer Built(string name, byte[] json, TokenizerConfig config, IReadOnlyDictionary<string, byte[]> beside) => new(name, json, config, TokenizerFolder.Completed(beside, config));

    /// <summary>The bytes of tokenizer.json: those that it was read from, or those that describe what it was built from.</summary>
    public ReadOnlyMemory<byte> ToJson() => source;

    /// <summary>The files of a Hugging Face folder that <see cref="Load"/> reads back as this tokenizer, by name ("/" before those of a subfolder): tokenizer.json and what stood beside it, its vocabulary
    /// included, byte for byte as they were read. Where there was no tokenizer.json, tokenizer_config.json also says which tokens begin, end and pad.</summary>
    public IReadOnlyDictionary<string, ReadOnlyMemory<byte>> Files =>
        companions.Select(c => (c.Key, Bytes: (ReadOnlyMemory<byte>)c.Value)).Prepend((Key: TokenizerFolder.Main, Bytes: source)).ToDictionary(c => c.Key, c => c.Bytes, StringComparer.Ordinal);

    /// <summary>Writes <see cref="Files"/> into a folder.</summary>
    public void Save(string folder)
    {
        foreach (var (name, bytes) in Files)
        {
            string path = Path.Combine(folder, name);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllBytes(path, bytes.Span);
        }
    }
}
