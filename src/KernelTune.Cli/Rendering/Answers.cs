using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Unicode;
using KernelTune.Evaluation.Generation;
using KernelTune.Training.Runs;

namespace KernelTune.Cli.Rendering;

/// <summary>Generated answers as lines of text and as JSON.</summary>
internal static class Answers
{
    /// <summary>The answer, and below it, where they were recorded, its tokens with their log-probabilities and the likeliest in their places.</summary>
    /// <param name="answer">The answer.</param>
    /// <param name="run">Spells tokens.</param>
    /// <param name="several">Whether it is one of several of its prompt: then a beam's score stands before it.</param>
    /// <param name="logProbabilities">Whether its tokens are shown too.</param>
    public static IEnumerable<string> Lines(GeneratedText answer, GenerateRun run, bool several, bool logProbabilities) =>
        [(several && answer.Row.Score is { } score ? Number(score) + "  " : "") + answer.Text, .. logProbabilities ? TokenLines(answer.Row, run) : []];

    /// <summary>Everything that is known of an answer.</summary>
    public static JsonObject Json(GeneratedText answer, int[] prompt, GenerateRun run, bool logProbabilities)
    {
        GeneratedRow row = answer.Row;
        var json = new JsonObject
        {
            ["prompt"] = row.Prompt,
            ["text"] = answer.Text,
            ["finish_reason"] = row.Reason switch
            {
                FinishReason.EndToken => "end_token", FinishReason.StopString => "stop_string", FinishReason.Length => "length", FinishReason.Context => "context", _ => "cancelled",
            },
            ["prompt_tokens"] = prompt.Length,
            ["tokens"] = new JsonArray([.. row.Tokens.Select(t => (JsonNode)JsonValue.Create(t))]),
        };
        if (row.Score is { } score) json["score"] = score;
        if (!logProbabilities) return json;
        json["logprob"] = row.LogProbabilities.Sum();
        var places = new JsonArray();
        for (int i = 0; i < row.Tokens.Count; i++)
        {
            JsonObject place = Chance(new TokenChance(row.Tokens[i], row.LogProbabilities[i]), run);
            if (row.Alternatives.Count > 0) place["top"] = new JsonArray([.. row.Alternatives[i].Select(a => (JsonNode)Chance(a, run))]);
            places.Add((JsonNode)place);
        }
        json["logprobs"] = places;
        return json;
    }

    private static IEnumerable<string> TokenLines(GeneratedRow row, GenerateRun run)
    {
        string[] spelled = [.. row.Tokens.Select(t => Spelled(t, run))];
        int width = spelled.Max(s => s.Length);
        for (int i = 0; i < spelled.Length; i++)
        {
            string top = row.Alternatives.Count == 0 ? "" : "   " + string.Join("  ", row.Alternatives[i].Select(a => $"{Spelled(a.Token, run)} {Number(a.LogProbability)}"));
            yield return $"  {spelled[i].PadRight(width)}  {Number(row.LogProbabilities[i])}{top}";
        }
    }

    // As JSON spells it: white space and control characters show.
    private static string Spelled(int token, GenerateRun run) => $"\"{JsonEncodedText.Encode(Encoding.UTF8.GetString(run.BytesOf(token)), JavaScriptEncoder.UnsafeRelaxedJsonEscaping)}\"";

    private static JsonObject Chance(TokenChance chance, GenerateRun run)
    {
        ReadOnlySpan<byte> bytes = run.BytesOf(chance.Token);
        var json = new JsonObject { ["token"] = chance.Token, ["text"] = Encoding.UTF8.GetString(bytes), ["logprob"] = chance.LogProbability };
        // Part of a character has no text of its own.
        if (!Utf8.IsValid(bytes)) json["bytes"] = new JsonArray([.. bytes.ToArray().Select(b => (JsonNode)JsonValue.Create((int)b))]);
        return json;
    }

    private static string Number(double value) => value.ToString("0.0000", CultureInfo.InvariantCulture).PadLeft(8);
}
