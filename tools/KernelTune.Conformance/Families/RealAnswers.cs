using System.Text.Json;
using KernelTune.Autograd;
using KernelTune.Autograd.Ops;
using KernelTune.Conformance.Checks;
using KernelTune.Devices;
using KernelTune.Devices.Calls;
using KernelTune.Evaluation.Generation;
using KernelTune.Kernels.Numerics;
using KernelTune.Modules;
using KernelTune.Text;
using KernelTune.Training.Generation;

namespace KernelTune.Conformance.Families;

/// <summary>A pretrained model's logits, log-probabilities, greedy answers and perplexity.</summary>
internal static class RealAnswers
{
    // So many rows of logits are formed at once.
    private const int RowsAtOnce = 256;

    public static IEnumerable<Finding> Run(string path, JsonElement json, string modelFolder, string device)
    {
        var expected = new GoldenTensors(Path.Combine(path, "expected.safetensors"));
        Dictionary<string, FloatError> errors = FloatError.ReadAll(json.GetProperty("float32_error"));
        using ModelOnDevice model = ModelOnDevice.Open(modelFolder, device);
        int prompts = json.GetProperty("prompts").GetArrayLength();

        var logits = new GoldenCheck(device, errors);
        for (int n = 0; n < prompts; n++)
            Prompt(logits, model, expected, $"prompt.{n}.");
        model.CheckNothingIsHeld(logits);
        yield return logits.Finding();
        if (device == "reference")
            yield break;

        var answers = new GoldenCheck(device, errors);
        using (var decoder = new CachedDecoder(model.Model, model.Device))
            for (int n = 0; n < prompts; n++)
                Answer(answers, decoder, Tokenizer.Load(modelFolder), json, n, expected);
        model.CheckNothingIsHeld(answers);
        yield return answers.Finding("greedy");

        var perplexity = new GoldenCheck(device, errors);
        foreach (JsonElement window in json.GetProperty("perplexity").GetProperty("windows").EnumerateArray())
            Perplexity(perplexity, model, expected, json.GetProperty("perplexity"), window.GetInt32());
        model.CheckNothingIsHeld(perplexity);
        yield return perplexity.Finding("perplexity");
    }

    private static void Prompt(GoldenCheck check, ModelOnDevice model, GoldenTensors expected, string prompt)
    {
        long[] ids = expected[prompt + "input_ids"].Integers();
        int vocabulary = model.Model.VocabularySize;
        using var session = new Session(model.Device);
        Tensor logits = model.Model.Logits(Hidden(session, model, ids));
        double[] values = ModelOnDevice.Numbers(logits.View).Values;
        check.Tensor<double>(prompt + "last_logits", values.AsSpan((ids.Length - 1) * vocabulary), expected[prompt + "last_logits"]);

        GoldenTensor top = expected[prompt + "top20_indices"];
        long[] indices = top.Integers();
        int most = top.Shape[^1];
        check.Tensor<double>(prompt + "top20_values", [.. indices.Select((id, i) => values[(i / most * vocabulary) + id])], expected[prompt + "top20_values"]);

        double[] logProbabilities = [.. Losses(session, model, Reshape.Apply(logits, new Shape(ids.Length, vocabulary)), ids, 0, ids.Length - 1).Select(l => -l)];
        check.Tensor<double>(prompt + "token_log_probs", logProbabilities, expected[prompt + "token_log_probs"]);
        check.Tensor<double>(prompt + "total_log_prob", [logProbabilities.Sum()], expected[prompt + "total_log_prob"]);
    }

    private static void Answer(GoldenCheck check, CachedDecoder decoder, Tokenizer tokenizer, JsonElement json, int number, GoldenTensors expected)
    {
        JsonElement prompt = json.GetProperty("prompts")[number];
        int[] ids = tokenizer.EncodeIds(prompt.GetProperty("rendered").GetString()!, addSpecialTokens: false);
        check.Exact<int>($"prompt.{number}.input_ids", ids, Ints(expected[$"prompt.{number}.input_ids"]));
        var settings = new GenerationSettings
        {
            MaxNewTokens = json.GetProperty("new_tokens").GetInt32(),
            EndTokens = [.. json.GetProperty("stop").EnumerateArray().Select(e => e.GetInt32())],
        };
        List<double> margins = [];
        var generator = new Generator(decoder, settings) { Observer = (_, logits, _) => margins.Add(Margin(logits)) };
        int[] tokens = [.. generator.Generate([ids])[0].Tokens];
        check.Exact<int>($"prompt.{number}.greedy_ids", tokens, Ints(expected[$"prompt.{number}.greedy_ids"]));
        check.Tensor<double>($"prompt.{number}.greedy_margins", margins.ToArray(), expected[$"prompt.{number}.greedy_margins"]);
        string text = tokenizer.Decode(tokens, skipSpecialTokens: false), wanted = prompt.GetProperty("greedy_text").GetString()!;
        if (text != wanted)
            check.Fail($"prompt {number} is answered \"{text}\", wanted \"{wanted}\"");
    }

    private static void Perplexity(GoldenCheck check, ModelOnDevice model, GoldenTensors expected, JsonElement settings, int window)
    {
        long[] all = expected["perplexity.input_ids"].Integers();
        List<double> losses = [];
        for (int start = 0; start < all.Length; start += window)
        {
            long[] ids = all[start..Math.Min(start + window, all.Length)];
            using var session = new Session(model.Device);
            Tensor hidden = Hidden(session, model, ids);
            for (int at = 0; at < ids.Length - 1; at += RowsAtOnce)
            {
                using Scope scope = session.Enter();
                int rows = Math.Min(RowsAtOnce, ids.Length - 1 - at);
                Tensor logits = model.Model.Logits(Slice.Apply(hidden, 1, at, rows));
                losses.AddRange(Losses(session, model, Reshape.Apply(logits, new Shape(rows, model.Model.VocabularySize)), ids, at, rows));
            }
        }

        string name = $"perplexity.window{window}.losses";
        check.Tensor<double>(name, losses.ToArray(), expected[name]);
        JsonElement wanted = settings.GetProperty("expected").GetProperty(window.ToString(System.Globalization.CultureInfo.InvariantCulture));
        double mean = losses.Average();
        check.Within($"mean loss in windows of {window}", [mean], [wanted.GetProperty("mean_loss").GetDouble()], 1e-5, 0);
        check.Within($"perplexity in windows of {window}", [Math.Exp(mean)], [wanted.GetProperty("perplexity").GetDouble()], 3e-5, 0);
    }

    private static Tensor Hidden(Session session, ModelOnDevice model, long[] ids) =>
        model.Model.Call(new TokenInput(session.Upload<long>(ids, new Shape(1, ids.Length), DType.I64)));

    /// <summary>−log p of the tokens at + 1 … at + rows, given logits [≥ rows, V] of the positions before them.</summary>
    private static double[] Losses(Session session, ModelOnDevice model, Tensor logits, long[] ids, int at, int rows)
    {
        Tensor labels = session.Upload<long>(ids.AsSpan(at + 1, rows), new Shape(rows), DType.I64);
        Tensor losses = CrossEntropyOp.Apply(Slice.Apply(logits, 0, 0, rows), labels, CrossEntropyOptions.Plain, LossReduction.None);
        return ModelOnDevice.Numbers(losses.View).Values;
    }

    private static double Margin(ReadOnlySpan<float> logits)
    {
        float best = float.NegativeInfinity, second = float.NegativeInfinity;
        foreach (float x in logits)
        {
            if (x > best)
                (second, best) = (best, x);
            else if (x > second)
                second = x;
        }

        return (double)best - second;
    }

    private static int[] Ints(GoldenTensor tensor) => Array.ConvertAll(tensor.Integers(), v => checked((int)v));
}
