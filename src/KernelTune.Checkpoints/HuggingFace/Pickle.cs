namespace KernelTune.Checkpoints;

/// <summary>PyTorch's pickled files, which are programs: they are known by name and refused, and nothing in them is executed.</summary>
internal static class Pickle
{
    private static readonly string[] Extensions = [".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle"];

    public static bool IsName(string path) => Extensions.Contains(Path.GetExtension(path), StringComparer.OrdinalIgnoreCase);

    public static CheckpointException Refusal(string path) =>
        new(path, "a pickle was found, which is a program; safetensors or GGUF wanted (save_pretrained(…, safe_serialization=True) converts it)");
}
