using System.Text.Json;
using KernelTune.Conformance.Checks;
using KernelTune.Evaluation.Generation;

namespace KernelTune.Conformance.Families;

/// <summary>generation/: score processors and their chains, stop strings, and searches on small models.</summary>
/// <param name="open">Opens a model folder on a device for generation; null, or a null answer: the model cannot be run, and its searches are unsupported.</param>
public sealed class GenerationFamily(Func<string, string, INextLogits?>? open = null) : IFamily
{
    public string Name => "generation";

    public bool UsesDevice => true;

    public IEnumerable<string> Cases(string folder) =>
        Directory.EnumerateFiles(folder, "*.json").Select(f => Path.GetFileNameWithoutExtension(f)!).Order(StringComparer.Ordinal);

    public IEnumerable<Finding> Run(string folder, string name, string device)
    {
        string path = Path.Combine(folder, name);
        using JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(path + ".json"));
        JsonElement root = json.RootElement;
        string kind = root.GetProperty("kind").GetString()!;
        string goldens = Path.GetDirectoryName(Path.GetFullPath(folder))!;
        return kind switch
        {
            "logits_processor" => [Processors(root, new GoldenTensors(path + ".safetensors"), device)],
            "logits_chain" => [Chains(root, new GoldenTensors(path + ".safetensors"), device)],
            "stop_strings" => [StopStrings(root, goldens)],
            "generate" => [SearchCases.Run(root, new GoldenTensors(path + ".safetensors"), goldens, device, open)],
            _ => [new Finding("", Outcome.Unsupported, $"kind {kind}")],
        };
    }

    private static Finding Processors(JsonElement root, GoldenTensors tensors, string device)
    {
        var check = new GoldenCheck(device, FloatError.ReadAll(root.GetProperty("float32_error")));
        int number = 0;
        foreach (JsonElement one in root.GetProperty("cases").EnumerateArray())
        {
            if (!GoldenProcessors.TryMake(one, out ILogitsProcessor? processor, out string? why))
                return new Finding("", Outcome.Unsupported, $"case {number}: {why}");
            CompareRows(check, tensors, number++, processor.Process);
        }

        return check.Finding();
    }

    private static Finding Chains(JsonElement root, GoldenTensors tensors, string device)
    {
        var check = new GoldenCheck(device, FloatError.ReadAll(root.GetProperty("float32_error")));
        int number = 0;
        foreach (JsonElement one in root.GetProperty("cases").EnumerateArray())
        {
            // What the notes of the case say of all its settings.
            var start = new GenerationSettings { EndTokens = [2], PadToken = 0, MaxLength = 50 };
            const int promptLength = 3;
            List<string> unsupported = [];
            GenerationSettings settings = GenerationSettingsJson.Read(one.GetProperty("settings"), start, unsupported);
            if (unsupported.Count > 0)
                return new Finding("", Outcome.Unsupported, $"case {number}: {string.Join(", ", unsupported)}");

            int[][] ids = tensors[$"{number}.input_ids"].IdRows();
            int maxLength = settings.MaxNewTokens is { } count ? promptLength + count : settings.MaxLength!.Value;
            var chain = new ProcessorChain(settings, promptLength, maxLength, ids.Select(r => r[..promptLength]).ToArray());
            string ours = string.Join(", ", chain.Processors.Select(p => p.Name));
            string wanted = string.Join(", ", one.GetProperty("order").EnumerateArray().Select(e => e.GetString()));
            if (ours != wanted)
                check.Fail($"case {number} applies {ours}; wanted {wanted}");
            CompareRows(check, tensors, number++, chain.Process);
        }

        return check.Finding();
    }

    private delegate void Processing(in LogitsContext context, Span<float> scores);

    private static void CompareRows(GoldenCheck check, GoldenTensors tensors, int number, Processing process)
    {
        int[][] ids = tensors[$"{number}.input_ids"].IdRows();
        GoldenTensor expected = tensors[$"{number}.expected"];
        float[] scores = tensors[$"{number}.scores"].Floats();
        int vocabulary = expected.Shape[^1];
        var probabilities = new double[scores.Length];
        for (int row = 0; row < ids.Length; row++)
        {
            Span<float> own = scores.AsSpan(row * vocabulary, vocabulary);
            process(new LogitsContext(ids[row], 0, row), own);
            Softmax(own, probabilities.AsSpan(row * vocabulary, vocabulary));
        }

        check.Tensor<float>($"{number}.expected", scores, expected);
        if (tensors.Has($"{number}.probabilities"))
            check.Tensor<double>($"{number}.probabilities", probabilities, tensors[$"{number}.probabilities"]);
    }

    private static void Softmax(ReadOnlySpan<float> scores, Span<double> probabilities)
    {
        double max = double.NegativeInfinity, sum = 0;
        foreach (float s in scores)
            max = Math.Max(max, s);
        for (int i = 0; i < scores.Length; i++)
            sum += probabilities[i] = Math.Exp(scores[i] - max);
        foreach (ref double p in probabilities)
            p /= sum;
    }

    private static Finding StopStrings(JsonElement root, string goldens)
    {
        string tokenizer = Path.Combine(goldens, root.GetProperty("tokenizer").GetString()!, "tokenizer.json");
        using JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(tokenizer));
        byte[][] bytes = TokenBytes.FromTokenizerJson(json.RootElement);
        var check = new GoldenCheck("reference", new Dictionary<string, FloatError>());
        foreach (JsonElement one in root.GetProperty("cases").EnumerateArray())
        {
            int[] ids = [.. one.GetProperty("input_ids").EnumerateArray().Select(e => e.GetInt32())];
            string[] strings = [.. one.GetProperty("stop_strings").EnumerateArray().Select(e => e.GetString()!)];
            bool[] wanted = [.. one.GetProperty("stop_after").EnumerateArray().Select(e => e.GetBoolean())];
            var matcher = new StopStringMatcher(bytes, strings);
            bool[] ours = [.. Enumerable.Range(1, ids.Length).Select(n => matcher.Stops(ids.AsSpan(0, n)))];
            check.Exact<bool>($"stop after each token of \"{one.GetProperty("text").GetString()}\"", ours, wanted);
        }

        return check.Finding();
    }
}
