using System.Text.Json;

namespace KernelTune.Evaluation.Generation;

/// <summary>Reads settings from the JSON of generation_config.json, under Transformers' names.</summary>
public static class GenerationSettingsJson
{
    /// <summary>Keys that say nothing about which tokens come out.</summary>
    private static readonly HashSet<string> Neutral = new(StringComparer.Ordinal)
    {
        "transformers_version", "_from_model_config", "use_cache", "cache_implementation", "cache_config", "output_attentions", "output_hidden_states",
        "output_scores", "output_logits", "return_dict_in_generate", "bos_token_id", "decoder_start_token_id", "trust_remote_code", "_commit_hash",
        "max_time", "disable_compile", "compile_config", "is_assistant", "chat_format", "max_window_size",
    };

    /// <summary>Reads the settings in <paramref name="json"/> over <paramref name="start"/>.</summary>
    /// <param name="json">An object with Transformers' keys; null values stand for absent ones.</param>
    /// <param name="start">What holds for keys that are absent.</param>
    /// <param name="unsupported">Receives the keys that change what is generated and that are not built here, each with its value.</param>
    /// <exception cref="GenerationException">A value has the wrong type; the message names the key.</exception>
    public static GenerationSettings Read(JsonElement json, GenerationSettings start, ICollection<string> unsupported)
    {
        GenerationSettings s = start;
        foreach (JsonProperty p in json.EnumerateObject())
        {
            JsonElement v = p.Value;
            if (v.ValueKind == JsonValueKind.Null)
                continue;
            try
            {
                s = Apply(s, p.Name, v, unsupported);
            }
            catch (Exception e) when (e is InvalidOperationException or FormatException)
            {
                throw new GenerationException($"{p.Name} is {v.GetRawText()}, which has the wrong type for this setting");
            }
        }

        return s;
    }

    private static GenerationSettings Apply(GenerationSettings s, string name, JsonElement v, ICollection<string> unsupported)
    {
        switch (name)
        {
            case "do_sample": return s with { DoSample = v.GetBoolean() };
            case "max_new_tokens": return s with { MaxNewTokens = v.GetInt32() };
            case "max_length": return s with { MaxLength = v.GetInt32() };
            case "min_length": return s with { MinLength = v.GetInt32() };
            case "min_new_tokens": return s with { MinNewTokens = v.GetInt32() };
            case "eos_token_id": return s with { EndTokens = Ids(v) };
            case "pad_token_id": return s with { PadToken = v.GetInt32() };
            case "stop_strings": return s with { StopStrings = Texts(v) };
            case "temperature": return s with { Temperature = v.GetDouble() };
            case "top_k": return s with { TopK = v.GetInt32() };
            case "top_p": return s with { TopP = v.GetDouble() };
            case "min_p": return s with { MinP = v.GetDouble() };
            case "top_h": return s with { TopH = v.GetDouble() };
            case "typical_p": return s with { TypicalP = v.GetDouble() };
            case "epsilon_cutoff": return s with { EpsilonCutoff = v.GetDouble() };
            case "eta_cutoff": return s with { EtaCutoff = v.GetDouble() };
            case "repetition_penalty": return s with { RepetitionPenalty = v.GetDouble() };
            case "encoder_repetition_penalty": return s with { EncoderRepetitionPenalty = v.GetDouble() };
            case "no_repeat_ngram_size": return s with { NoRepeatNGramSize = v.GetInt32() };
            case "encoder_no_repeat_ngram_size": return s with { EncoderNoRepeatNGramSize = v.GetInt32() };
            case "bad_words_ids": return s with { BadWords = [.. v.EnumerateArray().Select(Ids)] };
            case "sequence_bias": return s with { SequenceBias = [.. v.EnumerateArray().Select(e => (Ids(e[0]), e[1].GetDouble()))] };
            case "forced_bos_token_id": return s with { ForcedFirstToken = v.GetInt32() };
            case "forced_eos_token_id": return s with { ForcedLastTokens = Ids(v) };
            case "exponential_decay_length_penalty": return s with { ExponentialDecayLengthPenalty = (v[0].GetInt32(), v[1].GetDouble()) };
            case "suppress_tokens": return s with { SuppressTokens = Ids(v) };
            case "begin_suppress_tokens": return s with { BeginSuppressTokens = Ids(v) };
            case "remove_invalid_values": return s with { RemoveInvalidValues = v.GetBoolean() };
            case "renormalize_logits": return s with { RenormalizeLogits = v.GetBoolean() };
            case "num_beams": return s with { NumBeams = v.GetInt32() };
            case "num_return_sequences": return s with { NumReturnSequences = v.GetInt32() };
            case "length_penalty": return s with { LengthPenalty = v.GetDouble() };
            case "early_stopping": return s with { EarlyStopping = Stopping(v) };
            case "num_beam_groups" or "guidance_scale" or "diversity_penalty" or "penalty_alpha" when IsOff(name, v): return s;
        }

        if (!Neutral.Contains(name))
            unsupported.Add($"{name} = {v.GetRawText()}");
        return s;
    }

    /// <summary>Whether the key stands at the value that switches it off.</summary>
    private static bool IsOff(string name, JsonElement v) =>
        v.ValueKind == JsonValueKind.Number && v.GetDouble() == (name is "diversity_penalty" or "penalty_alpha" ? 0 : 1);

    private static EarlyStopping Stopping(JsonElement v) => v.ValueKind == JsonValueKind.String
        ? v.GetString() == "never" ? EarlyStopping.Never : throw new GenerationException($"early_stopping is {v.GetRawText()}, wanted true, false or \"never\"")
        : v.GetBoolean() ? EarlyStopping.Yes : EarlyStopping.No;

    private static int[] Ids(JsonElement v) =>
        v.ValueKind == JsonValueKind.Array ? [.. v.EnumerateArray().Select(e => e.GetInt32())] : [v.GetInt32()];

    private static string[] Texts(JsonElement v) =>
        v.ValueKind == JsonValueKind.Array ? [.. v.EnumerateArray().Select(e => e.GetString()!)] : [v.GetString()!];
}
