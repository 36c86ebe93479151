using System.Text.Json;
using KernelTune.Conformance.Checks;
using KernelTune.Evaluation.Generation;

namespace KernelTune.Conformance.Families;

/// <summary>Searches of generation/. Greedy: tokens, logits and processed scores of every step, and the scores of what was chosen. Beams: tokens, their scores and whence they came.</summary>
internal static class SearchCases
{
    public static Finding Run(JsonElement root, GoldenTensors tensors, string goldens, string device, Func<string, string, INextLogits?>? open)
    {
        string folder = Path.Combine(goldens, root.GetProperty("model").GetString()!);
        using JsonDocument config = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "config.json")));
        if (open?.Invoke(folder, device) is not { } model)
            return new Finding("", Outcome.Unsupported, "the model cannot be run yet");

        using IDisposable? owner = model as IDisposable;
        long[] mask = tensors["inputs.attention_mask"].Integers();
        int[][] padded = tensors["inputs.input_ids"].IdRows();
        int length = padded[0].Length;
        int[][] prompts = [.. padded.Select((ids, row) => ids.Where((_, at) => mask[(row * length) + at] != 0).ToArray())];

        var check = new GoldenCheck(device, FloatError.ReadAll(root.GetProperty("float32_error")));
        int number = 0;
        foreach (JsonElement one in root.GetProperty("cases").EnumerateArray())
        {
            List<string> unsupported = [];
            GenerationSettings settings = GenerationSettingsJson.Read(one.GetProperty("settings"), Defaults(config.RootElement), unsupported);
            if (unsupported.Count > 0)
                return new Finding("", Outcome.Unsupported, $"case {number}: {string.Join(", ", unsupported)}");
            if (settings.NumBeams > 1)
                CompareBeams(check, tensors, number++, model, settings, prompts, length);
            else
                Compare(check, tensors, number++, model, settings, prompts, length);
        }

        return check.Finding();
    }

    /// <summary>The special tokens of a model's configuration.</summary>
    private static GenerationSettings Defaults(JsonElement config)
    {
        var special = new GenerationSettings();
        if (config.TryGetProperty("eos_token_id", out JsonElement end) && end.ValueKind != JsonValueKind.Null)
            special = special with { EndTokens = end.ValueKind == JsonValueKind.Array ? [.. end.EnumerateArray().Select(e => e.GetInt32())] : [end.GetInt32()] };
        if (config.TryGetProperty("pad_token_id", out JsonElement pad) && pad.ValueKind == JsonValueKind.Number)
            special = special with { PadToken = pad.GetInt32() };
        return special;
    }

    private static void Compare(
        GoldenCheck check, GoldenTensors tensors, int number, INextLogits model, GenerationSettings settings, int[][] prompts, int length)
    {
        int vocabulary = model.VocabularySize;
        List<float[]> logits = [], scores = [];
        var generator = new Generator(model, settings)
        {
            Observer = (_, raw, processed) =>
            {
                logits.Add(raw.ToArray());
                scores.Add(processed.ToArray());
            },
        };
        IReadOnlyList<GeneratedRow> rows = generator.Generate(prompts);

        int pad = settings.PadToken ?? settings.EndTokens[0];
        int steps = logits.Count;
        var sequences = new List<long>();
        var transitions = new List<double>();
        for (int row = 0; row < rows.Count; row++)
        {
            sequences.AddRange(Start(model, prompts[row], length, pad));
            for (int step = 0; step < steps; step++)
            {
                int token = step < rows[row].Tokens.Count ? rows[row].Tokens[step] : pad;
                sequences.Add(token);
                transitions.Add(LogProbability(scores[step].AsSpan(row * vocabulary, vocabulary), token));
            }
        }

        check.Exact<long>($"{number}.sequences", sequences.ToArray(), tensors[$"{number}.sequences"].Integers());
        check.Tensor<float>($"{number}.logits", ByRow(logits, rows.Count, vocabulary), tensors[$"{number}.logits"]);
        check.Tensor<float>($"{number}.scores", ByRow(scores, rows.Count, vocabulary), tensors[$"{number}.scores"]);
        check.Tensor<double>($"{number}.transition_scores", transitions.ToArray(), tensors[$"{number}.transition_scores"]);
    }

    /// <summary>
    /// The library's layout: rows of the longest answer's length. Behind a shorter one stands pad_token_id, or the first end token where that is 0; beam indices go on with −1 and
    /// transition scores with 0.
    /// </summary>
    private static void CompareBeams(
        GoldenCheck check, GoldenTensors tensors, int number, INextLogits model, GenerationSettings settings, int[][] prompts, int length)
    {
        IReadOnlyList<GeneratedRow> rows = new Generator(model, settings).Generate(prompts);
        int steps = rows.Max(r => r.Tokens.Count), pad = settings.PadToken ?? settings.EndTokens[0];
        int filler = pad == 0 && settings.EndTokens.Count > 0 ? settings.EndTokens[0] : pad;
        var (sequences, indices, transitions) = (new List<long>(), new List<long>(), new List<double>());
        foreach (GeneratedRow row in rows)
        {
            sequences.AddRange([.. Start(model, prompts[row.Prompt], length, pad), .. row.Tokens.Select(id => (long)id)]);
            sequences.AddRange(Enumerable.Repeat((long)filler, steps - row.Tokens.Count));
            indices.AddRange([.. row.BeamIndices.Select(i => (long)i), .. Enumerable.Repeat(-1L, steps - row.Tokens.Count)]);
            transitions.AddRange([.. row.LogProbabilities, .. Enumerable.Repeat(0.0, steps - row.Tokens.Count)]);
        }

        check.Exact<long>($"{number}.sequences", sequences.ToArray(), tensors[$"{number}.sequences"].Integers());
        check.Exact<long>($"{number}.beam_indices", indices.ToArray(), tensors[$"{number}.beam_indices"].Integers());
        check.Tensor<double>($"{number}.sequences_scores", [.. rows.Select(r => r.Score!.Value)], tensors[$"{number}.sequences_scores"]);
        check.Tensor<double>($"{number}.transition_scores", transitions.ToArray(), tensors[$"{number}.transition_scores"]);
    }

    // What stands before the new tokens: the padded prompt, or a decoder's start token.
    private static IEnumerable<long> Start(INextLogits model, int[] prompt, int length, int pad) =>
        model.StartToken is { } start ? [start] : Enumerable.Repeat((long)pad, length - prompt.Length).Concat(prompt.Select(id => (long)id));

    /// <summary>[steps][rows, vocabulary] → [rows, steps, vocabulary].</summary>
    private static float[] ByRow(List<float[]> steps, int rows, int vocabulary)
    {
        var all = new float[rows * steps.Count * vocabulary];
        for (int row = 0; row < rows; row++)
            for (int step = 0; step < steps.Count; step++)
                steps[step].AsSpan(row * vocabulary, vocabulary).CopyTo(all.AsSpan(((row * steps.Count) + step) * vocabulary));
        return all;
    }

    private static double LogProbability(ReadOnlySpan<float> scores, int token)
    {
        double max = double.NegativeInfinity, sum = 0;
        foreach (float s in scores)
            max = Math.Max(max, s);
        foreach (float s in scores)
            sum += Math.Exp(s - max);
        return scores[token] - max - Math.Log(sum);
    }
}
