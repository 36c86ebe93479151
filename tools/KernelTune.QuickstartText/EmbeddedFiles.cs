using System.Text.Json.Nodes;
using KernelTune.Checkpoints;

namespace KernelTune.QuickstartText;

/// <summary>Makes of a pretrained model what the command embeds: the weights in bfloat16, and the files beside them.</summary>
public static class EmbeddedFiles
{
    private static readonly string[] Beside = ["tokenizer.json", "tokenizer_config.json", "chat_template.jinja"];

    /// <summary>Writes <paramref name="pretrained"/> into <paramref name="folder"/>.</summary>
    /// <exception cref="CheckpointException">The model is not complete.</exception>
    public static void Write(string pretrained, string folder)
    {
        Directory.CreateDirectory(folder);
        using SafetensorsFile weights = SafetensorsFile.Open(Path.Combine(pretrained, "model.safetensors"));
        SafetensorsWriter.Save(Path.Combine(folder, "model.safetensors"), [.. weights.Names.Select(name => TensorToSave.Copy(weights, name, WeightFormats.BF16))], SafetensorsWriter.PyTorchMetadata);
        var config = JsonNode.Parse(File.ReadAllText(Path.Combine(pretrained, "config.json")))!;
        config["dtype"] = "bfloat16";
        File.WriteAllBytes(Path.Combine(folder, "config.json"), SortedJson.Bytes(config));
        foreach (string name in Beside) File.Copy(Path.Combine(pretrained, name), Path.Combine(folder, name), overwrite: true);
    }
}
