using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace KernelTune.Text;

public sealed partial class Tokenizer
{
    /// <summary>This tokenizer with more tokens, which get the next ids in their order: the model's embedding needs <see cref="VocabSize"/> rows then. What is a token already keeps its id, and
    /// is found in texts as the new entry says.</summary>
    /// <param name="tokens">What they look like in a text and how they are found; their ids do not matter.</param>
    /// <exception cref="ArgumentException">A token is empty.</exception>
    public Tokenizer WithTokens(IEnumerable<AddedToken> tokens)
    {
        ArgumentNullException.ThrowIfNull(tokens);
        var added = AddedTokens.ToDictionary(t => t.Content, StringComparer.Ordinal);
        int next = VocabSize;
        foreach (var token in tokens)
        {
            if (token.Content.Length == 0) throw new ArgumentException("a token is empty", nameof(tokens));
            added[token.Content] = token with { Id = TokenToId(token.Content) ?? (added.TryGetValue(token.Content, out var known) ? known.Id : next++) };
        }
        var list = new JsonArray([.. added.Values.OrderBy(t => t.Id).Select(JsonNode (t) => new JsonObject
        {
            ["id"] = t.Id, ["content"] = t.Content, ["single_word"] = t.SingleWord, ["lstrip"] = t.LeftStrip, ["rstrip"] = t.RightStrip, ["normalized"] = t.Normalized, ["special"] = t.Special,
        })]);
        using var document = JsonDocument.Parse(source.AsSpan().StartsWith("\uFEFF"u8) ? source.AsMemory(3) : source);
        var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, NewLine = "\n" }))
        {
            json.WriteStartObject();
            foreach (var member in document.RootElement.EnumerateObject())
            {
                if (member.Name == "added_tokens") continue;
                if (member.Name == "model") WriteAdded(json, list);
                member.WriteTo(json);
            }
            json.WriteEndObject();
        }
        // tokenizer_config.json lists the tokens a second time; what it does not list is read from tokenizer.json.
        return new Tokenizer(Name, buffer.ToArray(), Config, companions);

        static void WriteAdded(Utf8JsonWriter json, JsonArray list)
        {
            json.WritePropertyName("added_tokens");
            list.WriteTo(json);
        }
    }
}
