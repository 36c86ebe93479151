using System.Text;
using System.Text.Json.Nodes;

namespace KernelTune.Text.Tests.Tokenizers;

/// <summary>A byte-level tokenizer of a few tokens, whose JSON a test can break.</summary>
internal static class TinyTokenizer
{
    public const string Json = """
        {"version":"1.0","truncation":null,"padding":null,
         "added_tokens":[{"id":7,"content":"<|im_end|>","single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true}],
         "normalizer":null,"pre_tokenizer":null,"post_processor":null,"decoder":null,
         "model":{"type":"BPE","dropout":null,"unk_token":"?","continuing_subword_prefix":null,"end_of_word_suffix":null,"fuse_unk":false,"byte_fallback":false,
                  "ignore_merges":false,"vocab":{"?":0,"a":1,"b":2,"c":3,"ab":4,"abc":5,"|":6},"merges":[["a","b"],["ab","c"]]}}
        """;

    public static Tokenizer With(Action<JsonObject> change)
    {
        JsonObject json = JsonNode.Parse(Json)!.AsObject();
        change(json);
        return Tokenizer.Parse(Encoding.UTF8.GetBytes(json.ToJsonString()), "t.json");
    }

    public static Tokenizer Parse(string json) => Tokenizer.Parse(Encoding.UTF8.GetBytes(json), "t.json");
}
