using System.Text.Json;

namespace KernelTune.Text.Pipeline;

/// <summary>A model that is to be written into a tokenizer.json.</summary>
internal abstract record ModelSketch
{
    /// <summary>Writes the members of the model.</summary>
    public abstract void Write(Utf8JsonWriter json);

    protected static void WriteVocabulary(Utf8JsonWriter json, IReadOnlyList<string> tokens)
    {
        json.WriteStartObject("vocab");
        for (int id = 0; id < tokens.Count; id++) json.WriteNumber(tokens[id], id);
        json.WriteEndObject();
    }

    protected static void WriteText(Utf8JsonWriter json, string name, string? value)
    {
        if (value is null) json.WriteNull(name);
        else json.WriteString(name, value);
    }
}

/// <summary>Byte-pair encoding.</summary>
internal sealed record BpeSketch(IReadOnlyList<string> Tokens, IReadOnlyList<(string Left, string Right)> Merges) : ModelSketch
{
    public string? UnknownToken { get; init; }

    public string? EndSuffix { get; init; }

    public bool FuseUnknown { get; init; }

    public bool ByteFallback { get; init; }

    public bool IgnoreMerges { get; init; }

    public override void Write(Utf8JsonWriter json)
    {
        json.WriteString("type", "BPE");
        json.WriteNull("dropout");
        WriteText(json, "unk_token", UnknownToken);
        json.WriteNull("continuing_subword_prefix");
        WriteText(json, "end_of_word_suffix", EndSuffix);
        json.WriteBoolean("fuse_unk", FuseUnknown);
        json.WriteBoolean("byte_fallback", ByteFallback);
        json.WriteBoolean("ignore_merges", IgnoreMerges);
        WriteVocabulary(json, Tokens);
        json.WriteStartArray("merges");
        foreach (var (left, right) in Merges)
        {
            json.WriteStartArray();
            json.WriteStringValue(left);
            json.WriteStringValue(right);
            json.WriteEndArray();
        }
        json.WriteEndArray();
    }
}

/// <summary>WordPiece.</summary>
internal sealed record WordPieceSketch(IReadOnlyList<string> Tokens, string UnknownToken) : ModelSketch
{
    public string Prefix { get; init; } = "##";

    public override void Write(Utf8JsonWriter json)
    {
        json.WriteString("type", "WordPiece");
        json.WriteString("unk_token", UnknownToken);
        json.WriteString("continuing_subword_prefix", Prefix);
        json.WriteNumber("max_input_chars_per_word", 100);
        WriteVocabulary(json, Tokens);
    }
}

/// <summary>Unigram language model.</summary>
internal sealed record UnigramSketch(IReadOnlyList<(string Token, double Score)> Pieces, int? UnknownId) : ModelSketch
{
    public bool ByteFallback { get; init; }

    public override void Write(Utf8JsonWriter json)
    {
        json.WriteString("type", "Unigram");
        if (UnknownId is { } id) json.WriteNumber("unk_id", id);
        else json.WriteNull("unk_id");
        json.WriteStartArray("vocab");
        foreach (var (token, score) in Pieces)
        {
            json.WriteStartArray();
            json.WriteStringValue(token);
            json.WriteNumberValue(score);
            json.WriteEndArray();
        }
        json.WriteEndArray();
        json.WriteBoolean("byte_fallback", ByteFallback);
    }
}
