using System.Text.Encodings.Web;
using System.Text.Json;

namespace KernelTune.Text.Pipeline;

/// <summary>A BPE tokenizer that is to be written as tokenizer.json. Its parts are JSON already, null for none.</summary>
internal sealed record TokenizerSketch
{
    public required IReadOnlyList<string> Tokens { get; init; }

    public required IReadOnlyList<(string Left, string Right)> Merges { get; init; }

    public required IReadOnlyList<AddedToken> Added { get; init; }

    public string? Normalizer { get; init; }

    public string? PreTokenizer { get; init; }

    public string? Decoder { get; init; }

    public string? UnknownToken { get; init; }

    public bool FuseUnknown { get; init; }

    public bool ByteFallback { get; init; }

    public bool IgnoreMerges { get; init; }

    /// <summary>Tokens that the post-processor puts before and after every text.</summary>
    public AddedToken? Begin { get; init; }

    public AddedToken? End { get; init; }

    public byte[] ToJson()
    {
        var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, NewLine = "\n" }))
        {
            json.WriteStartObject();
            json.WriteString("version", "1.0");
            json.WriteNull("truncation");
            json.WriteNull("padding");
            WriteAdded(json);
            WriteRaw(json, "normalizer", Normalizer);
            WriteRaw(json, "pre_tokenizer", PreTokenizer);
            WriteTemplate(json);
            WriteRaw(json, "decoder", Decoder);
            WriteModel(json);
            json.WriteEndObject();
        }
        return buffer.ToArray();
    }

    private void WriteAdded(Utf8JsonWriter json)
    {
        json.WriteStartArray("added_tokens");
        foreach (var token in Added)
        {
            json.WriteStartObject();
            json.WriteNumber("id", token.Id);
            json.WriteString("content", token.Content);
            json.WriteBoolean("single_word", token.SingleWord);
            json.WriteBoolean("lstrip", token.LeftStrip);
            json.WriteBoolean("rstrip", token.RightStrip);
            json.WriteBoolean("normalized", token.Normalized);
            json.WriteBoolean("special", token.Special);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private static void WriteRaw(Utf8JsonWriter json, string name, string? value)
    {
        json.WritePropertyName(name);
        if (value is null)
        {
            json.WriteNullValue();
            return;
        }
        using var document = JsonDocument.Parse(value);
        document.RootElement.WriteTo(json);
    }

    private void WriteTemplate(Utf8JsonWriter json)
    {
        if (Begin is null && End is null)
        {
            json.WriteNull("post_processor");
            return;
        }
        json.WriteStartObject("post_processor");
        json.WriteString("type", "TemplateProcessing");
        json.WriteStartArray("single");
        WriteSequence(json, "A", 0);
        json.WriteEndArray();
        json.WriteStartArray("pair");
        WriteSequence(json, "A", 0);
        WriteSequence(json, "B", 1);
        json.WriteEndArray();
        json.WriteStartObject("special_tokens");
        foreach (var token in new[] { Begin, End }.OfType<AddedToken>().DistinctBy(t => t.Content))
        {
            json.WriteStartObject(token.Content);
            json.WriteString("id", token.Content);
            json.WriteStartArray("ids");
            json.WriteNumberValue(token.Id);
            json.WriteEndArray();
            json.WriteStartArray("tokens");
            json.WriteStringValue(token.Content);
            json.WriteEndArray();
            json.WriteEndObject();
        }
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private void WriteSequence(Utf8JsonWriter json, string sequence, int typeId)
    {
        WritePart(json, "SpecialToken", Begin?.Content, typeId);
        WritePart(json, "Sequence", sequence, typeId);
        WritePart(json, "SpecialToken", End?.Content, typeId);
    }

    private static void WritePart(Utf8JsonWriter json, string kind, string? id, int typeId)
    {
        if (id is null) return;
        json.WriteStartObject();
        json.WriteStartObject(kind);
        json.WriteString("id", id);
        json.WriteNumber("type_id", typeId);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private void WriteModel(Utf8JsonWriter json)
    {
        json.WriteStartObject("model");
        json.WriteString("type", "BPE");
        json.WriteNull("dropout");
        if (UnknownToken is null) json.WriteNull("unk_token");
        else json.WriteString("unk_token", UnknownToken);
        json.WriteNull("continuing_subword_prefix");
        json.WriteNull("end_of_word_suffix");
        json.WriteBoolean("fuse_unk", FuseUnknown);
        json.WriteBoolean("byte_fallback", ByteFallback);
        json.WriteBoolean("ignore_merges", IgnoreMerges);
        json.WriteStartObject("vocab");
        for (int id = 0; id < Tokens.Count; id++) json.WriteNumber(Tokens[id], id);
        json.WriteEndObject();
        json.WriteStartArray("merges");
        foreach (var (left, right) in Merges)
        {
            json.WriteStartArray();
            json.WriteStringValue(left);
            json.WriteStringValue(right);
            json.WriteEndArray();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }
}
