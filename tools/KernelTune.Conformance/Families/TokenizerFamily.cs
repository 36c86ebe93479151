using System.Text.Json;
using KernelTune.Text;

namespace KernelTune.Conformance.Families;

/// <summary>tokenizers/: whole tokenizers, and single parts of them in components/.</summary>
public sealed class TokenizerFamily : IFamily
{
    private const string Components = "components";

    public string Name => "tokenizers";

    public bool UsesDevice => false;

    public IEnumerable<string> Cases(string folder) =>
        Directory.EnumerateDirectories(folder).Select(d => Path.GetFileName(d)).Where(d => d != Components)
            .Concat(Directory.Exists(Path.Combine(folder, Components))
                ? Directory.EnumerateFiles(Path.Combine(folder, Components), "*.json").Select(f => $"{Components}/{Path.GetFileNameWithoutExtension(f)}")
                : [])
            .Order(StringComparer.Ordinal);

    public IEnumerable<Finding> Run(string folder, string name, string device)
    {
        try
        {
            return name.StartsWith(Components + "/", StringComparison.Ordinal)
                ? [ComponentCases.Run(Path.Combine(folder, name + ".json"))]
                : RunCases(Path.Combine(folder, name));
        }
        catch (TokenizerNotSupportedException e)
        {
            return [new Finding("", Outcome.Unsupported, e.Message)];
        }
    }

    /// <summary>Runs cases.jsonl of a folder with the tokenizer that stands in it.</summary>
    public static IEnumerable<Finding> RunCases(string folder) => RunCases(folder, Tokenizer.Load(folder));

    /// <summary>Runs cases.jsonl of a folder with a tokenizer from elsewhere.</summary>
    public static IEnumerable<Finding> RunCases(string folder, Tokenizer tokenizer)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        int count = 0, failed = 0;
        string first = "";
        foreach (string line in File.ReadAllText(Path.Combine(folder, "cases.jsonl")).Split('\n'))
        {
            if (line.Length == 0) continue;
            count++;
            using JsonDocument row = JsonDocument.Parse(line);
            if (EncodingCases.Difference(tokenizer, row.RootElement) is not { } difference) continue;
            if (failed++ == 0) first = $"line {count}: {difference}";
        }

        return [count == 0 ? new Finding("", Outcome.Fail, "cases.jsonl has no cases")
            : failed == 0 ? new Finding("", Outcome.Pass, $"{count} texts") : new Finding("", Outcome.Fail, $"{failed} of {count} texts differ; {first}")];
    }
}
