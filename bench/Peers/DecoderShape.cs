namespace KernelTune.Peers;

/// <summary>The sizes of a decoder.</summary>
internal sealed record DecoderShape(int Hidden, int Layers, int Heads, int KeyValueHeads, int Inner, int Vocabulary, bool IsLlama)
{
    public int HeadDim => Hidden / Heads;

    public static DecoderShape Of(string model) => model switch
    {
        "smollm2-135m" => new(576, 30, 9, 3, 1536, 49152, true),
        "gpt2" => new(768, 12, 12, 12, 3072, 50257, false),
        _ => throw new ArgumentException($"model {model}: smollm2-135m or gpt2"),
    };
}
