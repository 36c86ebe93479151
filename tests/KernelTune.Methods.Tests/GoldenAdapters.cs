using System.Buffers.Binary;
using System.Text.Json;

namespace KernelTune.Methods.Tests;

/// <summary>The goldens' adapters and the tiny models they stand on, as far as names and shapes go.</summary>
internal static class GoldenAdapters
{
    public static string Folder
    {
        get
        {
            string root = Environment.GetEnvironmentVariable("KERNELTUNE_GOLDENS") is { Length: > 0 } set ? set : Path.Combine(RepositoryRoot(), "..", "shared", "goldens");
            return Path.GetFullPath(Path.Combine(root, "adapters"));
        }
    }

    /// <summary>Names and shapes of a safetensors file.</summary>
    public static SortedDictionary<string, int[]> Header(string path)
    {
        byte[] file = File.ReadAllBytes(path);
        using JsonDocument json = JsonDocument.Parse(file.AsMemory(8, (int)BinaryPrimitives.ReadUInt64LittleEndian(file)));
        var tensors = new SortedDictionary<string, int[]>(StringComparer.Ordinal);
        foreach (JsonProperty p in json.RootElement.EnumerateObject())
            if (p.Name != "__metadata__")
                tensors[p.Name] = [.. p.Value.GetProperty("shape").EnumerateArray().Select(e => e.GetInt32())];
        return tensors;
    }

    /// <summary>The leaf modules of a base, told from the names and shapes of its weights.</summary>
    public static (string ModelType, List<AdaptableModule> Modules) Base(string name)
    {
        // The quantised Llamas are the plain one, packed: their modules are the same.
        string folder = Path.Combine(Folder, "bases", name.StartsWith("llama", StringComparison.Ordinal) ? "llama-tiny" : name);
        using JsonDocument config = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "config.json")));
        string type = config.RootElement.GetProperty("model_type").GetString()!;
        SortedDictionary<string, int[]> weights = Header(Path.Combine(folder, "model.safetensors"));
        List<AdaptableModule> modules = [];
        foreach ((string weight, int[] shape) in weights.Where(w => w.Key.EndsWith(".weight", StringComparison.Ordinal)))
        {
            string path = weight[..^".weight".Length];
            bool table = path.EndsWith("embed_tokens", StringComparison.Ordinal) || path.Contains("embeddings.", StringComparison.Ordinal)
                || path is "shared" or "transformer.wte" or "transformer.wpe" || path.EndsWith("relative_attention_bias", StringComparison.Ordinal);
            ModuleKind kind = shape.Length == 1 ? ModuleKind.Norm : table ? ModuleKind.Embedding : type == "gpt2" ? ModuleKind.Conv1D : ModuleKind.Linear;
            (int first, int last) = (shape[0], shape[^1]);
            (int input, int output) = kind == ModuleKind.Linear ? (last, first) : (first, last);
            modules.Add(new AdaptableModule(path, kind, input, output, weights.ContainsKey(path + ".bias"), path is "lm_head" or "classifier"));
        }

        if (type is "gpt2" or "t5")
            modules.Add(new AdaptableModule("lm_head", ModuleKind.Linear, 32, 96, IsOutputHead: true));
        return (type, modules);
    }

    private static string RepositoryRoot()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, "KernelTune.sln")))
                return folder.FullName;
        return AppContext.BaseDirectory;
    }
}
