using System.Text.Json;
using KernelTune.Text;
using KernelTune.Text.Chat;
using KernelTune.Text.Pipeline;

namespace KernelTune.Conformance.Families;

/// <summary>One file of tokenizers/components: a normalizer, pre-tokenizer, post-processor or decoder by itself.</summary>
internal static class ComponentCases
{
    public static Finding Run(string path)
    {
        using JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(path));
        JsonElement root = json.RootElement;
        string kind = root.GetProperty("kind").GetString()!;
        var config = new JsonKey(root.GetProperty("config"), path, "config");
        Func<JsonElement, string?> difference = kind switch
        {
            "normalizer" => Normalizer(config),
            "pre_tokenizer" => PreTokenizer(config),
            "post_processor" => PostProcessor(config),
            "decoder" => Decoder(config),
            _ => throw new TokenizerNotSupportedException(path, "kind", $"the kind \"{kind}\" is not supported"),
        };

        int count = 0, failed = 0;
        string first = "";
        foreach (JsonElement row in root.GetProperty("cases").EnumerateArray())
        {
            if (difference(row) is { } found && failed++ == 0) first = $"case {count}: {found}";
            count++;
        }

        return failed == 0 && count > 0 ? new Finding("", Outcome.Pass, $"{count} cases") : new Finding("", Outcome.Fail, $"{failed} of {count} cases differ; {first}");
    }

    private static Func<JsonElement, string?> Normalizer(JsonKey config)
    {
        var normalizer = ComponentReader.Normalizer(config);
        return row => Texts(normalizer.Apply(row.GetProperty("text").GetString()!), row.GetProperty("expected").GetString()!);
    }

    private static Func<JsonElement, string?> PreTokenizer(JsonKey config)
    {
        var preTokenizer = ComponentReader.PreTokenizer(config);
        return row =>
        {
            string text = row.GetProperty("text").GetString()!;
            var offsets = new OffsetMap(text);
            var got = preTokenizer.Split([new Piece(text)]).Select(p =>
            {
                var (begin, end) = p.InText(0, p.Length);
                return (p.Span.ToString(), offsets.Of(begin, end));
            });
            var wanted = row.GetProperty("expected").EnumerateArray().Select(e => (e[0].GetString()!, new TextSpan(e[1][0].GetInt32(), e[1][1].GetInt32())));
            return Texts(string.Join(" | ", got), string.Join(" | ", wanted));
        };
    }

    private static Func<JsonElement, string?> PostProcessor(JsonKey config)
    {
        var processor = ComponentReader.PostProcessor(config);
        return row =>
        {
            Window first = Read(row.GetProperty("input"), 0);
            Window? second = row.TryGetProperty("input_pair", out JsonElement pair) ? Read(pair, 1) : null;
            Window joined = KernelTune.Text.PostProcessors.PostProcessor.Join(processor, first, second, row.GetProperty("add_special_tokens").GetBoolean());
            return EncodingCases.Difference(joined.ToEncoding(), row.GetProperty("expected"), "expected");
        };
    }

    private static Func<JsonElement, string?> Decoder(JsonKey config)
    {
        var decoder = ComponentReader.Decoder(config);
        return row => Texts(
            KernelTune.Text.Decoders.Decoder.Text(decoder, [.. row.GetProperty("tokens").EnumerateArray().Select(t => t.GetString()!)]),
            row.GetProperty("expected").GetString()!);
    }

    private static Window Read(JsonElement encoding, int sequence)
    {
        var window = new Window();
        int count = encoding.GetProperty("ids").GetArrayLength();
        for (int i = 0; i < count; i++)
        {
            JsonElement offset = encoding.GetProperty("offsets")[i];
            window.Add(encoding.GetProperty("ids")[i].GetInt32(), encoding.GetProperty("tokens")[i].GetString()!, new TextSpan(offset[0].GetInt32(), offset[1].GetInt32()),
                encoding.GetProperty("type_ids")[i].GetInt32(), sequence);
        }

        return window;
    }

    private static string? Texts(string got, string wanted) => got == wanted ? null : $"\"{got}\", wanted \"{wanted}\"";
}
