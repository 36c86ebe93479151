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
        if (kind is not ("causal-lm-answers" or "tokenizer" or "lora" or "qlora" or "full"))
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

    /// <summary>KERNELTUNE_MODELS, or the folder models beside the goldens, or ../shared/models beside the repository.</summary>
    private static string Models(string folder)
    {
        if (Environment.GetEnvironmentVariable("KERNELTUNE_MODELS") is { Length: > 0 } set)
            return set;
        string beside = Path.GetFullPath(Path.Combine(folder, "..", "..", "..", "models"));
        for (DirectoryInfo? at = new(AppContext.BaseDirectory); at is not null && !Directory.Exists(beside); at = at.Parent)
            if (File.Exists(Path.Combine(at.FullName, "KernelTune.sln")))
                return Path.GetFullPath(Path.Combine(at.FullName, "..", "shared", "models"));
        return beside;
    }
}
