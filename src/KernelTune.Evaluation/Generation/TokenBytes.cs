using System.Globalization;
using System.Text;
using System.Text.Json;

namespace KernelTune.Evaluation.Generation;

/// <summary>What each id of a vocabulary adds to a text in its middle, in bytes, read from tokenizer.json.</summary>
public static class TokenBytes
{
    /// <summary>The bytes of every id, in the order of ids; an id without a token has none.</summary>
    /// <param name="tokenizer">The root of tokenizer.json: <c>model.vocab</c>, <c>added_tokens</c> and <c>decoder</c> are read.</param>
    /// <exception cref="GenerationException">The vocabulary is not a table of tokens and ids, or the decoder's kind is unknown.</exception>
    public static byte[][] FromTokenizerJson(JsonElement tokenizer)
    {
        JsonElement decoder = tokenizer.TryGetProperty("decoder", out JsonElement d) ? d : default;
        Func<string, byte[]> toBytes = Decoder(decoder);
        Dictionary<int, byte[]> byId = [];
        JsonElement vocabulary = tokenizer.GetProperty("model").GetProperty("vocab");
        if (vocabulary.ValueKind == JsonValueKind.Object)
        {
            foreach (JsonProperty token in vocabulary.EnumerateObject())
                byId[token.Value.GetInt32()] = toBytes(token.Name);
        }
        else if (vocabulary.ValueKind == JsonValueKind.Array)
        {
            int id = 0;     // Unigram: [[token, log-probability], …]
            foreach (JsonElement token in vocabulary.EnumerateArray())
                byId[id++] = toBytes(token[0].GetString()!);
        }
        else
        {
            throw new GenerationException($"tokenizer.json: model.vocab is {vocabulary.ValueKind}, wanted an object of ids or an array of pieces");
        }

        if (tokenizer.TryGetProperty("added_tokens", out JsonElement added))
            foreach (JsonElement token in added.EnumerateArray())
                byId[token.GetProperty("id").GetInt32()] = toBytes(token.GetProperty("content").GetString()!);

        var bytes = new byte[byId.Count == 0 ? 0 : byId.Keys.Max() + 1][];
        for (int id = 0; id < bytes.Length; id++)
            bytes[id] = byId.GetValueOrDefault(id, []);
        return bytes;
    }

    private static Func<string, byte[]> Decoder(JsonElement decoder)
    {
        if (Has(decoder, "ByteLevel"))
        {
            Dictionary<char, byte> table = ByteLevelTable();
            return token => token.All(table.ContainsKey) ? [.. token.Select(c => table[c])] : Encoding.UTF8.GetBytes(token);
        }

        bool byteFallback = Has(decoder, "ByteFallback");
        if (byteFallback || Has(decoder, "Metaspace") || Has(decoder, "Replace"))
            return token => byteFallback && IsByte(token, out byte value) ? [value] : Encoding.UTF8.GetBytes(token.Replace('▁', ' '));
        if (Has(decoder, "WordPiece"))
            return token => Encoding.UTF8.GetBytes(token.StartsWith("##", StringComparison.Ordinal) ? token[2..] : " " + token);
        if (Has(decoder, "BPEDecoder"))
            return token => Encoding.UTF8.GetBytes(token.Replace("</w>", " ", StringComparison.Ordinal));
        if (decoder.ValueKind is JsonValueKind.Undefined or JsonValueKind.Null)
            return token => Encoding.UTF8.GetBytes(" " + token);
        throw new GenerationException($"tokenizer.json: cannot tell what tokens add to a text with the decoder {decoder.GetRawText()}");
    }

    private static bool IsByte(string token, out byte value)
    {
        value = 0;
        return token.Length == 6 && token.StartsWith("<0x", StringComparison.Ordinal) && token[5] == '>'
            && byte.TryParse(token.AsSpan(3, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);
    }

    private static bool Has(JsonElement decoder, string type) => decoder.ValueKind switch
    {
        JsonValueKind.Object => (decoder.TryGetProperty("type", out JsonElement t) && t.ValueKind == JsonValueKind.String && t.GetString() == type)
            || decoder.EnumerateObject().Any(p => Has(p.Value, type)),
        JsonValueKind.Array => decoder.EnumerateArray().Any(e => Has(e, type)),
        _ => false,
    };

    /// <summary>GPT-2's table: printable characters of Latin-1 stand for their own byte, the other bytes for 256, 257 …</summary>
    private static Dictionary<char, byte> ByteLevelTable()
    {
        Dictionary<char, byte> table = [];
        int next = 256;
        for (int b = 0; b < 256; b++)
        {
            bool own = b is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or (>= 0xAE and <= 0xFF);
            table[(char)(own ? b : next++)] = (byte)b;
        }

        return table;
    }
}
