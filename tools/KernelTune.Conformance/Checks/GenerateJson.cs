using System.Text.Json;
using KernelTune.Evaluation.Generation;

namespace KernelTune.Conformance.Checks;

/// <summary>generate.json of a model's folder: greedy continuations of single prompts and of a padded batch, and beams of single prompts.</summary>
/// <remarks>The stored log-probabilities are rounded to seven digits after the point.</remarks>
public static class GenerateJson
{
    private const double Rounding = 1e-6;

    /// <summary>Runs every text prompt, alone and together, and compares tokens and log-probabilities.</summary>
    /// <param name="check">Collects what differs.</param>
    /// <param name="file">The path of generate.json.</param>
    /// <param name="model">The model; each prompt starts it afresh.</param>
    /// <param name="logProbabilityTolerance">Absolute; what the device's arithmetic may add to the rounding of the file.</param>
    public static void CompareGreedy(GoldenCheck check, string file, INextLogits model, double logProbabilityTolerance)
    {
        using JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(file));
        JsonElement root = json.RootElement;
        GenerationSettings settings = Settings(root);
        int number = 0;
        foreach (JsonElement prompt in root.GetProperty("prompts").EnumerateArray())
        {
            GeneratedRow row = new Generator(model, settings).Generate([Ids(prompt.GetProperty("input_ids"))])[0];
            check.Exact<int>($"prompts[{number}].greedy", row.Tokens.ToArray(), Ids(prompt.GetProperty("greedy")));
            double[] wanted = [.. prompt.GetProperty("greedy_logprobs").EnumerateArray().Select(e => e.GetDouble())];
            check.Within($"prompts[{number}].greedy_logprobs", row.LogProbabilities.ToArray(), wanted, 0, logProbabilityTolerance + Rounding);
            number++;
        }

        if (root.TryGetProperty("batch", out JsonElement batch) && batch.ValueKind == JsonValueKind.Object)
            CompareBatch(check, batch, model, settings);
    }

    /// <summary>Runs the beam search of every prompt, alone and all together, and compares the best beam and its score.</summary>
    /// <param name="check">Collects what differs.</param>
    /// <param name="file">The path of generate.json.</param>
    /// <param name="model">The model.</param>
    /// <param name="scoreTolerance">Absolute; what the device's arithmetic may add to the rounding of the file.</param>
    public static void CompareBeams(GoldenCheck check, string file, INextLogits model, double scoreTolerance)
    {
        using JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(file));
        JsonElement root = json.RootElement;
        GenerationSettings settings = GenerationSettingsJson.Read(Only(root, "num_beams", "length_penalty", "early_stopping"), Settings(root), []);
        JsonElement[] prompts = [.. root.GetProperty("prompts").EnumerateArray()];
        IReadOnlyList<GeneratedRow> together = new Generator(model, settings).Generate([.. prompts.Select(p => Ids(p.GetProperty("input_ids")))]);
        for (int number = 0; number < prompts.Length; number++)
        {
            GeneratedRow alone = new Generator(model, settings).Generate([Ids(prompts[number].GetProperty("input_ids"))])[0];
            foreach (var (row, how) in new[] { (alone, "beam"), (together[number], "beam beside the others") })
            {
                check.Exact<int>($"prompts[{number}].{how}", row.Tokens.ToArray(), Ids(prompts[number].GetProperty("beam")));
                check.Within($"prompts[{number}].{how} score", [row.Score!.Value], [prompts[number].GetProperty("beam_score").GetDouble()], 0, scoreTolerance + Rounding);
            }
        }
    }

    private static GenerationSettings Settings(JsonElement root) => new()
    {
        MaxNewTokens = root.GetProperty("max_new_tokens").GetInt32(),
        EndTokens = Ids(root.GetProperty("eos_token_id")),
        PadToken = root.GetProperty("pad_token_id").GetInt32(),
        WantLogProbabilities = true,
    };

    private static JsonElement Only(JsonElement root, params string[] keys) =>
        JsonSerializer.SerializeToElement(root.EnumerateObject().Where(p => keys.Contains(p.Name)).ToDictionary(p => p.Name, p => p.Value));

    private static void CompareBatch(GoldenCheck check, JsonElement batch, INextLogits model, GenerationSettings settings)
    {
        int[][] ids = Rows(batch.GetProperty("input_ids"));
        int[][] mask = Rows(batch.GetProperty("attention_mask"));
        int[][] prompts = [.. ids.Select((row, r) => row.Where((_, at) => mask[r][at] != 0).ToArray())];
        IReadOnlyList<GeneratedRow> rows = new Generator(model, settings).Generate(prompts);
        int[][] wanted = Rows(batch.GetProperty("greedy"));
        for (int row = 0; row < wanted.Length; row++)
        {
            int[] ours = [.. rows[row].Tokens, .. Enumerable.Repeat(settings.PadToken!.Value, Math.Max(0, wanted[row].Length - rows[row].Tokens.Count))];
            check.Exact<int>($"batch.greedy[{row}]", ours, wanted[row]);
        }
    }

    private static int[][] Rows(JsonElement e) => [.. e.EnumerateArray().Select(Ids)];

    private static int[] Ids(JsonElement e) => e.ValueKind == JsonValueKind.Array ? [.. e.EnumerateArray().Select(i => i.GetInt32())] : [e.GetInt32()];
}
