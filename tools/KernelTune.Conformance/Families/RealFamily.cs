using System.Text.Json;
using KernelTune.Text;

namespace KernelTune.Conformance.Families;

/// <summary>
/// real/: what a pretrained language model answers, and how it trains. The slow double-precision device runs the prompts' logits and the first step of training only.
/// </summary>
public sealed class RealFamily : IFamily
{
    public string Name => "real";

    public bool UsesDevice => true;

    public IEnumerable<string> Cases(string folder) =>
        Directory.EnumerateFiles(folder, "case.json", new EnumerationOptions { RecurseSubdirectories = true, MaxRecursionDepth = 1 })
            .Select(f => Path.GetFileName(Path.GetDirectoryName(f))!).Order(StringComparer.Ordinal);

    public IEnumerable<Finding> Run(string folder, string name, string device)
    {
        string path = Path.Combine(folder, name);
        using JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(path, "case.json")));
        JsonElement root = json.RootElement.Clone();
        string kind = root.GetProperty("kind").GetString()!;
        if (kind is not ("causal-lm-answers" or "tokenizer" or "lora" or "full"))
            return [new Finding("", Outcome.Unsupported, $"kind {kind}")];
        string model = Path.Combine(Models(path), root.GetProperty("model").GetString()!);
        if (!Directory.Exists(model))
            return [new Finding("", Outcome.Fail, $"{model} is absent: the model that the case is about")];
        try
        {
            return kind switch
            {
                "causal-lm-answers" => RealAnswers.Run(path, root, model, device),
                "tokenizer" => [.. TokenizerFamily.RunCases(path, Tokenizer.Load(model)), ChatFamily.RunChatLines(path, Models(path)) with { Part = "chats" }],
                _ => RealTraining.Run(path, root, model, device),
            };
        }
        catch (NotSupportedException e)
        {
            return [new Finding("", Outcome.Unsupported, e.Message)];
        }
    }

    /// <summary>KERNELTUNE_MODELS, or the folder models beside the goldens.</summary>
    private static string Models(string folder) => Environment.GetEnvironmentVariable("KERNELTUNE_MODELS") is { Length: > 0 } set
        ? set
        : Path.GetFullPath(Path.Combine(folder, "..", "..", "..", "models"));
}
