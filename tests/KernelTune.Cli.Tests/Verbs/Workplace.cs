using KernelTune.Cli.Quickstart;

namespace KernelTune.Cli.Tests.Verbs;

/// <summary>A folder with a small model without weights, a few rows of data and recipes; deleted at the end.</summary>
internal sealed class Workplace : IDisposable
{
    public Workplace()
    {
        Folder = Directory.CreateTempSubdirectory("kerneltune").FullName;
        foreach (string name in QuickstartFiles.Names.Where(n => n.StartsWith("model/", StringComparison.Ordinal) && !n.EndsWith(".safetensors", StringComparison.Ordinal))) Write(name, QuickstartFiles.Read(name));
        Write("text.jsonl", [.. Enumerable.Range(0, 12).Select(i => $"{{\"text\": \"row {i} says that {i} and {i} are {2 * i}\"}}")]);
        Write("chat.jsonl", [.. Enumerable.Range(0, 12).Select(i =>
            $"{{\"messages\": [{{\"role\": \"user\", \"content\": \"what are {i} and {i}?\"}}, {{\"role\": \"assistant\", \"content\": \"{2 * i}\"}}]}}")]);
        Write("full.yaml",
            "model: model", "init: random", "method: full", "data: { train: text.jsonl, validation: chat.jsonl, max_length: 64, packing: false }", "optimizer: { learning_rate: 1e-3 }",
            "training: { max_steps: 3, batch_size: 2, gradient_accumulation_steps: 1 }", "device: cpu", "output: base");
        Write("lora.yaml",
            "model: base/final", "lora: { r: 4 }", "data: { train: chat.jsonl, max_length: 64 }", "training: { max_steps: 2, batch_size: 2, gradient_accumulation_steps: 1 }", "device: cpu", "output: tuned");
    }

    public string Folder { get; }

    public string this[string name] => Path.Combine(Folder, name);

    public void Write(string name, params string[] lines) => Write(name, System.Text.Encoding.UTF8.GetBytes(string.Join('\n', lines) + "\n"));

    /// <summary>Trains a recipe of the folder on one thread.</summary>
    public CommandLine Train(string recipe, params string[] more) => CommandLine.Run(["train", this[recipe], "--threads", "1", .. more]);

    public void Dispose() => Directory.Delete(Folder, recursive: true);

    private void Write(string name, byte[] bytes)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(this[name])!);
        File.WriteAllBytes(this[name], bytes);
    }
}
