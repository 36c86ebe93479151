using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using KernelTune.Evaluation.Generation;
using KernelTune.Evaluation.Generation.Processors;

namespace KernelTune.Conformance.Families;

/// <summary>Makes the processor that a case names by its class in Transformers and the arguments of its constructor.</summary>
internal static class GoldenProcessors
{
    public static bool TryMake(JsonElement one, [NotNullWhen(true)] out ILogitsProcessor? processor, [NotNullWhen(false)] out string? why)
    {
        string name = one.GetProperty("class").GetString()!;
        var arguments = new Arguments(one.GetProperty("settings"));
        processor = Make(name, arguments);
        why = processor is null ? $"no processor {name}" : arguments.Unread() is { } key ? $"{name}: the argument {key}" : null;
        return why is null;
    }

    private static ILogitsProcessor? Make(string name, Arguments a) => name switch
    {
        "TemperatureLogitsWarper" => new Temperature(a.Number("temperature")),
        "RepetitionPenaltyLogitsProcessor" => new RepetitionPenalty(a.Number("penalty"), a.Integer("prompt_ignore_length", 0)),
        "EncoderRepetitionPenaltyLogitsProcessor" => new EncoderRepetitionPenalty(a.Number("penalty"), a.Rows("encoder_input_ids")),
        "TopKLogitsWarper" => new TopK(a.Integer("top_k"), a.Keep()),
        "TopPLogitsWarper" => new TopP(a.Number("top_p"), a.Keep()),
        "MinPLogitsWarper" => new MinP(a.Number("min_p"), a.Keep()),
        "TopHLogitsWarper" => new TopH(a.Number("top_h")),
        "TypicalLogitsWarper" => new Typical(a.Number("mass", 0.9), a.Keep()),
        "EpsilonLogitsWarper" => new EpsilonCutoff(a.Number("epsilon"), a.Keep()),
        "EtaLogitsWarper" => new EtaCutoff(a.Number("epsilon"), a.Keep()),
        "NoRepeatNGramLogitsProcessor" => new NoRepeatNGram(a.Integer("ngram_size")),
        "EncoderNoRepeatNGramLogitsProcessor" => new EncoderNoRepeatNGram(a.Integer("encoder_ngram_size"), a.Rows("encoder_input_ids")),
        "SequenceBiasLogitsProcessor" => new SequenceBias(a.Biases("sequence_bias")),
        "NoBadWordsLogitsProcessor" => new BadWords(a.Rows("bad_words_ids"), a.Ids("eos_token_id")),
        "MinLengthLogitsProcessor" => new MinLength(a.Integer("min_length"), a.Ids("eos_token_id")),
        "MinNewTokensLengthLogitsProcessor" => new MinNewTokens(a.Integer("prompt_length_to_skip"), a.Integer("min_new_tokens"), a.Ids("eos_token_id")),
        "ForcedBOSTokenLogitsProcessor" => new ForcedFirstToken(a.Integer("bos_token_id")),
        "ForcedEOSTokenLogitsProcessor" => new ForcedLastToken(a.Integer("max_length"), a.Ids("eos_token_id")),
        "SuppressTokensLogitsProcessor" => new SuppressTokens(a.Ids("suppress_tokens")),
        "SuppressTokensAtBeginLogitsProcessor" => new SuppressTokensAtBegin(a.Ids("begin_suppress_tokens"), a.Integer("begin_index")),
        "ExponentialDecayLengthPenalty" => a.Decay(),
        "LogitNormalization" => new Renormalize(),
        "InfNanRemoveLogitsProcessor" => new RemoveInvalidValues(),
        _ => null,
    };

    /// <summary>A constructor's arguments; what has not been asked for is reported, so that no setting is passed over.</summary>
    private sealed class Arguments(JsonElement settings)
    {
        private readonly HashSet<string> read = new(StringComparer.Ordinal);

        public string? Unread() => settings.EnumerateObject().Select(p => p.Name).FirstOrDefault(n => !read.Contains(n));

        public double Number(string key, double? absent = null) => Find(key) is { } e ? e.GetDouble() : absent ?? throw Missing(key);

        public int Integer(string key, int? absent = null) => Find(key) is { } e ? e.GetInt32() : absent ?? throw Missing(key);

        public int Keep() => Integer("min_tokens_to_keep", 1);

        public int[] Ids(string key) => Find(key) is { } e ? Ids(e) : [];

        public int[][] Rows(string key) => Find(key) is { } e ? [.. e.EnumerateArray().Select(Ids)] : throw Missing(key);

        public IEnumerable<(int[] Ids, double Bias)> Biases(string key) =>
            Find(key) is { } e ? [.. e.EnumerateArray().Select(b => (Ids(b[0]), b[1].GetDouble()))] : throw Missing(key);

        public ExponentialDecayLengthPenalty Decay()
        {
            JsonElement pair = Find("exponential_decay_length_penalty") ?? throw Missing("exponential_decay_length_penalty");
            return new ExponentialDecayLengthPenalty(pair[0].GetInt32(), pair[1].GetDouble(), Ids("eos_token_id"), Integer("input_ids_seq_length"));
        }

        private static int[] Ids(JsonElement e) => e.ValueKind == JsonValueKind.Array ? [.. e.EnumerateArray().Select(i => i.GetInt32())] : [e.GetInt32()];

        private JsonElement? Find(string key)
        {
            read.Add(key);
            return settings.TryGetProperty(key, out JsonElement e) && e.ValueKind != JsonValueKind.Null ? e : null;
        }

        private static InvalidDataException Missing(string key) => new($"the case lacks the argument {key}");
    }
}
