using System.Text.Json;

namespace KernelTune.Conformance.Checks;

/// <summary>One folder of models/: a model, its inputs, and what PyTorch makes of them.</summary>
public sealed class ModelCase
{
    /// <param name="folder">The case's folder.</param>
    public ModelCase(string folder)
    {
        Folder = folder;
        using JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "case.json")));
        Json = json.RootElement.Clone();
        Inputs = new GoldenTensors(Path.Combine(folder, "inputs.safetensors"));
        Expected = new GoldenTensors(Path.Combine(folder, "expected.safetensors"));
        Errors = FloatError.ReadAll(Json.GetProperty("float32_error"));
        Run = new GoldenRun(Expected, Json, Inputs);
    }

    public string Folder { get; }

    /// <summary>case.json.</summary>
    public JsonElement Json { get; }

    /// <summary>The class with its head, such as LlamaForCausalLM.</summary>
    public string Kind => Json.GetProperty("kind").GetString()!;

    /// <summary>Whether the pass runs in training mode.</summary>
    public bool TrainMode => Json.TryGetProperty("train_mode", out JsonElement mode) && mode.GetBoolean();

    /// <summary>Further arguments of the forward pass; empty for the plain call.</summary>
    public IReadOnlyList<string> CallArguments =>
        Json.TryGetProperty("call", out JsonElement call) && call.ValueKind == JsonValueKind.Object ? [.. call.EnumerateObject().Select(p => p.Name)] : [];

    public GoldenTensors Inputs { get; }

    public GoldenTensors Expected { get; }

    public IReadOnlyDictionary<string, FloatError> Errors { get; }

    /// <summary>Compares a pass with what is expected.</summary>
    public GoldenRun Run { get; }

    /// <summary>A fresh judge of this case.</summary>
    public GoldenCheck NewCheck(string device) => new(device, Errors);
}
