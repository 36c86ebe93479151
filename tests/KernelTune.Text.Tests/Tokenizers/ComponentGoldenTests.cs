using System.Text.Json;
using System.Text.Json.Nodes;
using KernelTune.Text.Chat;
using KernelTune.Text.Decoders;
using KernelTune.Text.Pipeline;
using KernelTune.Text.PostProcessors;

namespace KernelTune.Text.Tests.Tokenizers;

/// <summary>goldens/tokenizers/components: each part alone.</summary>
public class ComponentGoldenTests
{
    [TestCase("normalizer")]
    [TestCase("pre_tokenizer")]
    [TestCase("post_processor")]
    [TestCase("decoder")]
    public void Agrees_with_the_reference_library(string kind)
    {
        int passed = 0;
        foreach (string path in Directory.GetFiles(Shared.Golden("tokenizers", "components"), kind + "_*.json").Order(StringComparer.Ordinal))
        {
            using JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(path));
            var config = new JsonKey(json.RootElement.GetProperty("config"), Path.GetFileName(path), "config");
            JsonArray cases = JsonNode.Parse(json.RootElement.GetProperty("cases").GetRawText())!.AsArray();
            Func<JsonNode, (string Got, string Wanted)> run = Runner(kind, config);
            foreach (JsonNode? row in cases)
            {
                (string got, string wanted) = run(row!);
                Assert.That(got, Is.EqualTo(wanted), $"{Path.GetFileName(path)}: {row}");
            }

            passed++;
        }

        Assert.That(passed, Is.GreaterThanOrEqualTo(10));
    }

    private static Func<JsonNode, (string, string)> Runner(string kind, JsonKey config)
    {
        switch (kind)
        {
            case "normalizer":
                var normalizer = ComponentReader.Normalizer(config);
                return row => (normalizer.Apply((string)row["text"]!), (string)row["expected"]!);
            case "decoder":
                var decoder = ComponentReader.Decoder(config);
                return row => (Decoder.Text(decoder, [.. row["tokens"]!.AsArray().Select(t => (string)t!)]), (string)row["expected"]!);
            case "pre_tokenizer":
                var preTokenizer = ComponentReader.PreTokenizer(config);
                return row =>
                {
                    string text = (string)row["text"]!;
                    var offsets = new OffsetMap(text);
                    var parts = preTokenizer.Split([new Piece(text)]).Select(p => (p.Span.ToString(), offsets.Of(p.InText(0, p.Length).Begin, p.InText(0, p.Length).End)));
                    var wanted = row["expected"]!.AsArray().Select(e => ((string)e![0]!, new TextSpan((int)e[1]![0]!, (int)e[1]![1]!)));
                    return (string.Join('|', parts), string.Join('|', wanted));
                };
            default:
                var processor = ComponentReader.PostProcessor(config);
                return row =>
                {
                    Window joined = PostProcessor.Join(processor, Read(row["input"]!, 0), row["input_pair"] is { } pair ? Read(pair, 1) : null, (bool)row["add_special_tokens"]!);
                    string sequences = string.Join(',', joined.SequenceIds.Select(s => s < 0 ? "null" : s.ToString(System.Globalization.CultureInfo.InvariantCulture)));
                    string wanted = string.Join(',', row["expected"]!["sequence_ids"]!.AsArray().Select(s => s is null ? "null" : s.ToString()));
                    return (GoldenLine.Got(joined.ToEncoding(), row["expected"]!) + sequences, GoldenLine.Wanted(row["expected"]!) + wanted);
                };
        }
    }

    private static Window Read(JsonNode encoding, int sequence)
    {
        var window = new Window();
        for (int i = 0; i < encoding["ids"]!.AsArray().Count; i++)
        {
            JsonNode offset = encoding["offsets"]![i]!;
            window.Add((int)encoding["ids"]![i]!, (string)encoding["tokens"]![i]!, new TextSpan((int)offset[0]!, (int)offset[1]!), (int)encoding["type_ids"]![i]!, sequence);
        }

        return window;
    }
}
