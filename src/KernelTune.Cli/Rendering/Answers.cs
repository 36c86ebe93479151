using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using KernelTune.Evaluation.Generation;
using KernelTune.Text;
using KernelTune.Training.Runs;

namespace KernelTune.Cli.Rendering;

/// <summary>Generated answers as lines of text and as JSON.</summary>
internal static class Answers
{
    /// <summary>The answer, and below it, where they were recorded, its tokens with their log-probabilities and the likeliest in their places.</summary>
    /// <param name="answer">The answer.</param>
    /// <param name="tokenizer">Spells tokens.</param>
    /// <param name="several">Whether it is one of several of its prompt: then a beam's score stands before it.</param>
    /// <param name="logProbabilities">Whether its tokens are shown too.</param>
    public static IEnumerable<string> Lines(GeneratedText answer, Tokenizer tokenizer, bool several, bool logProbabilities) =>
        [(several && answer.Row.Score is { } score ? Number(score) + "  " : "") + answer.Text, .. logProbabilities ? TokenLines(answer.Row, tokenizer) : []];

    /// <summary>Everything that is known of an answer.</summary>
    public static JsonObject Json(GeneratedText answer, int[] prompt, Tokenizer tokenizer, bool logProbabilities)
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
            JsonObject place = Chance(new TokenChance(row.Tokens[i], row.LogProbabilities[i]), tokenizer);
            if (row.Alternatives.Count > 0) place["top"] = new JsonArray([.. row.Alternatives[i].Select(a => (JsonNode)Chance(a, tokenizer))]);
            places.Add((JsonNode)place);
        }
        json["logprobs"] = places;
        return json;
    }

    private static IEnumerable<string> TokenLines(GeneratedRow row, Tokenizer tokenizer)
    {
        string[] spelled = [.. row.Tokens.Select(t => Spelled(t, tokenizer))];
        int width = spelled.Max(s => s.Length);
        for (int i = 0; i < spelled.Length; i++)
        {
            string top = row.Alternatives.Count == 0 ? "" : "   " + string.Join("  ", row.Alternatives[i].Select(a => $"{Spelled(a.Token, tokenizer)} {Number(a.LogProbability)}"));
            yield return $"  {spelled[i].PadRight(width)}  {Number(row.LogProbabilities[i])}{top}";
        }
    }

    // As JSON spells it: white space and control characters show.
    private static string Spelled(int token, Tokenizer tokenizer) => $"\"{JsonEncodedText.Encode(tokenizer.Decode([token], skipSpecialTokens: false), JavaScriptEncoder.UnsafeRelaxedJsonEscaping)}\"";

    private static JsonObject Chance(TokenChance chance, Tokenizer tokenizer) => new()
    {
        ["token"] = chance.Token, ["text"] = tokenizer.Decode([chance.Token], skipSpecialTokens: false), ["logprob"] = chance.LogProbability,
    };

    private static string Number(double value) => value.ToString("0.0000", CultureInfo.InvariantCulture).PadLeft(8);
}
