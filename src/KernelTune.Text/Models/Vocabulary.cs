using KernelTune.Text.Pipeline;

namespace KernelTune.Text.Models;

/// <summary>Tokens and their numbers 0 … n−1.</summary>
internal sealed class Vocabulary
{
    private readonly Dictionary<string, int> ids;
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> bySpan;
    private readonly string[] tokens;

    private Vocabulary(Dictionary<string, int> ids, string[] tokens)
    {
        (this.ids, this.tokens) = (ids, tokens);
        bySpan = ids.GetAlternateLookup<ReadOnlySpan<char>>();
    }

    public int Count => tokens.Length;

    public string this[int id] => tokens[id];

    public bool TryGetId(ReadOnlySpan<char> token, out int id) => bySpan.TryGetValue(token, out id);

    public bool Contains(string token) => ids.ContainsKey(token);

    /// <summary>The tokens by their places; of a token that comes twice the later place is its id.</summary>
    public static Vocabulary Of(string[] tokens)
    {
        var ids = new Dictionary<string, int>(tokens.Length, StringComparer.Ordinal);
        for (int id = 0; id < tokens.Length; id++) ids[tokens[id]] = id;
        return new Vocabulary(ids, tokens);
    }

    /// <summary>Reads an object of tokens and numbers.</summary>
    /// <exception cref="TokenizerException">A number comes twice, or one below the largest is missing: which, and for which tokens.</exception>
    public static Vocabulary Read(JsonKey key)
    {
        var ids = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var member in key.Value.ValueKind == System.Text.Json.JsonValueKind.Object ? key.Value.EnumerateObject() : throw key.Wrong("an object of tokens and ids is wanted"))
        {
            if (member.Value.ValueKind != System.Text.Json.JsonValueKind.Number || !member.Value.TryGetInt32(out int id) || id < 0)
                throw key.Wrong($"the token {Quoted(Name(key, member))} has the id {member.Value.GetRawText()}, a whole number not below 0 is wanted");
            ids[Name(key, member)] = id;
        }
        var tokens = new string?[ids.Count];
        foreach (var (token, id) in ids)
        {
            if (id >= tokens.Length) continue;
            if (tokens[id] is { } other) throw key.Wrong($"the id {id} is given to {Quoted(other)} and to {Quoted(token)}");
            tokens[id] = token;
        }
        int gap = Array.IndexOf(tokens, null);
        if (gap >= 0)
        {
            var (token, id) = ids.MaxBy(t => t.Value);
            throw key.Wrong($"no token has the id {gap}, though {tokens.Length} tokens go up to {id} ({Quoted(token)}): the ids must have no gap");
        }
        return new Vocabulary(ids, tokens!);
    }

    public static string Quoted(string token) => token.Length <= 60 ? $"\"{token}\"" : $"\"{token[..60]}…\"";

    private static string Name(JsonKey key, System.Text.Json.JsonProperty member)
    {
        try
        {
            return member.Name;
        }
        catch (InvalidOperationException e)
        {
            throw new TokenizerException(key.File, key.Path, "a token is not valid UTF-8 or holds half of a surrogate pair", e);
        }
    }
}
