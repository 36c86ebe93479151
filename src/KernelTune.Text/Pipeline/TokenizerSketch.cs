using System.Text.Encodings.Web;
using System.Text.Json;

namespace KernelTune.Text.Pipeline;

/// <summary>A tokenizer that is to be written as tokenizer.json. Its parts are JSON already, null for none.</summary>
internal sealed record TokenizerSketch
{
    public required ModelSketch Model { get; init; }

    public required IReadOnlyList<AddedToken> Added { get; init; }

    public string? Normalizer { get; init; }

    public string? PreTokenizer { get; init; }

    public string? PostProcessor { get; init; }

    public string? Decoder { get; init; }

    /// <summary>The text as a JSON string.</summary>
    public static string Quoted(string text) => $"\"{JsonEncodedText.Encode(text, JavaScriptEncoder.UnsafeRelaxedJsonEscaping)}\"";

    /// <summary>The parts one after another, none for none; <paramref name="list"/> is what the kind calls them.</summary>
    public static string? Sequence(string list, IReadOnlyList<string> parts) => parts.Count switch
    {
        0 => null,
        1 => parts[0],
        _ => $$"""{"type":"Sequence","{{list}}":[{{string.Join(',', parts)}}]}""",
    };

    /// <exception cref="TokenizerException">A token is no text: it holds half of a surrogate pair.</exception>
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
            WriteRaw(json, "post_processor", PostProcessor);
            WriteRaw(json, "decoder", Decoder);
            json.WriteStartObject("model");
            Model.Write(json);
            json.WriteEndObject();
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
}
