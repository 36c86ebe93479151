namespace KernelTune.Modules;

/// <summary>What a method may ask of a decoder besides its tree of modules. The decoder itself is the site of methods that change its inputs.</summary>
public interface IDecoder
{
    /// <summary>config.json's model_type.</summary>
    string ModelType { get; }

    /// <summary>The class of Transformers that it is.</summary>
    string Architecture { get; }

    int Layers { get; }

    /// <summary>Channels of the hidden states, and of an embedding.</summary>
    int HiddenSize { get; }

    /// <summary>Query heads.</summary>
    int Heads { get; }

    int KeyValueHeads { get; }

    /// <summary>Channels of a head.</summary>
    int HeadDim { get; }

    /// <summary>The longest sequence that it was made for.</summary>
    int MaxPositions { get; }

    /// <summary>The token table.</summary>
    Embedding TokenTable { get; }
}

/// <summary>A decoder that also attends to what an encoder has read.</summary>
public interface IEncoderDecoder : IDecoder
{
    /// <summary>The encoder: the tokens of a source to hidden states [B, S, C]. It is the site of methods that change its inputs.</summary>
    Module<TokenInput, Autograd.Tensor> Encoder { get; }
}

/// <summary>An occupant of a decoder that puts virtual tokens in front of every sequence.</summary>
public interface IVirtualTokens
{
    /// <summary>How many.</summary>
    int Count { get; }

    /// <summary>True for embeddings, which go through the layers; false for keys and values, which only stand before those of the text.</summary>
    bool HaveHiddenStates { get; }
}
