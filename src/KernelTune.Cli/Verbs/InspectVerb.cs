using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using KernelTune.Checkpoints;
using KernelTune.Cli.Models;
using KernelTune.Cli.Recipes;
using KernelTune.Methods;
using Spectre.Console;

namespace KernelTune.Cli.Verbs;

/// <summary><c>inspect PATH</c>: what a file of weights, a model or an adapter holds: names, types, shapes, sizes; or what a file of examples holds.</summary>
internal sealed class InspectVerb
{
    private readonly Argument<string> _path = new("PATH") { Description = "a .safetensors or .gguf file, a model's or an adapter's folder, org/name in the Hugging Face cache; or a file of examples" };
    private readonly Option<string?> _filter = new("--filter") { Description = "only tensors whose name this expression finds a match in" };
    private readonly Option<bool> _check = new("--check") { Description = "read every value and count what is not finite" };
    private readonly Option<string?> _model = new("--model") { Description = "examples: count in the tokens of this model" };
    private readonly Option<bool> _skipBad = new("--skip-bad") { Description = "examples: count rows that cannot be used, and go on" };
    private readonly Option<bool> _json = new("--json") { Description = "the same as JSON" };

    public Command Command(Application application) => application.WithAction(
        new Command("inspect", "Show what a file of weights, a model, an adapter or a file of examples holds.") { _path, _filter, _check, _model, _skipBad, _json },
        (parsed, terminal, cancellation) =>
        {
            if (DataLook.IsFor(parsed.GetValue(_path)!)) DataLook.Show(parsed.GetValue(_path)!, parsed.GetValue(_model), parsed.GetValue(_skipBad), parsed.GetValue(_json), terminal);
            else Run(parsed.GetValue(_path)!, parsed.GetValue(_filter), parsed.GetValue(_check), parsed.GetValue(_json), terminal, cancellation);
        });

    private static void Run(string path, string? filter, bool check, bool json, Terminal terminal, CancellationToken cancellation)
    {
        Regex? wanted = Expression(filter);
        using var subject = Subject.Open(path);
        IWeightSource weights = subject.Weights;
        WeightInfo[] shown = [.. weights.Names.Where(n => wanted?.IsMatch(n) != false).Select(n => weights.Get(n))];
        IReadOnlyList<NonFiniteWeight>? nonFinite = check ? WeightScan.NonFinite(weights, shown.Select(w => w.Name), cancellation) : null;
        if (json) terminal.WriteJson(Json(path, subject, shown, nonFinite));
        else Show(path, subject, shown, nonFinite, terminal);
    }

    private static Regex? Expression(string? filter)
    {
        try
        {
            return filter is null ? null : new Regex(filter, RegexOptions.CultureInvariant, TimeSpan.FromSeconds(2));
        }
        catch (RegexParseException e)
        {
            throw new UsageException($"--filter: '{filter}' is not a regular expression: {e.Message}");
        }
    }

    private static void Show(string path, Subject subject, WeightInfo[] shown, IReadOnlyList<NonFiniteWeight>? nonFinite, Terminal terminal)
    {
        terminal.Out.WriteLine($"{path}: {subject.Kind}");
        foreach (var (key, value) in subject.Facts) terminal.Out.WriteLine($"  {key}: {value}");
        var table = new Table().Border(TableBorder.Simple);
        table.AddColumn("name").AddColumn("type").AddColumn("shape");
        table.AddColumn(new TableColumn("parameters").RightAligned()).AddColumn(new TableColumn("bytes").RightAligned());
        foreach (WeightInfo w in shown)
            table.AddRow(Markup.Escape(w.Name), Markup.Escape(w.Format.Name), Markup.Escape(w.ShapeText), Count(w.Elements), Count(w.Bytes));
        terminal.Results.Write(table);
        long parameters = shown.Sum(w => w.Elements), bytes = shown.Sum(w => w.Bytes);
        string types = string.Join(", ", shown.GroupBy(w => w.Format.Name).OrderByDescending(g => g.Sum(w => w.Elements)).Select(g => $"{g.Key} {Count(g.Sum(w => w.Elements))}"));
        terminal.Out.WriteLine($"{Count(shown.Length)} tensors, {Count(parameters)} parameters ({types}), {ByteCount.Show(bytes)}");
        if (nonFinite is null) return;
        foreach (NonFiniteWeight weight in nonFinite) terminal.Out.WriteLine(weight.ToString());
        if (nonFinite.Count == 0) terminal.Out.WriteLine("every value is finite");
    }

    private static JsonObject Json(string path, Subject subject, WeightInfo[] shown, IReadOnlyList<NonFiniteWeight>? nonFinite)
    {
        var facts = new JsonObject();
        foreach (var (key, value) in subject.Facts) facts[key] = value;
        var json = new JsonObject
        {
            ["path"] = path,
            ["kind"] = subject.Kind,
            ["facts"] = facts,
            ["parameters"] = shown.Sum(w => w.Elements),
            ["bytes"] = shown.Sum(w => w.Bytes),
            ["tensors"] = new JsonArray([.. shown.Select(w => (JsonNode)new JsonObject
            {
                ["name"] = w.Name,
                ["dtype"] = w.Format.Name,
                ["shape"] = new JsonArray([.. w.Shape.Select(n => (JsonNode)JsonValue.Create(n))]),
                ["parameters"] = w.Elements,
                ["bytes"] = w.Bytes,
            })]),
        };
        if (nonFinite is not null)
            json["non_finite"] = new JsonArray([.. nonFinite.Select(w => (JsonNode)new JsonObject { ["name"] = w.Name, ["nan"] = w.NaN, ["infinite"] = w.Infinite })]);
        return json;
    }

    private static string Count(long n) => n.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>What the path turned out to be.</summary>
    private sealed class Subject(string kind, IWeightSource weights, IReadOnlyList<(string Key, string Value)> facts, IDisposable owner) : IDisposable
    {
        public string Kind => kind;

        public IWeightSource Weights => weights;

        public IReadOnlyList<(string Key, string Value)> Facts => facts;

        public static Subject Open(string path)
        {
            if (Directory.Exists(path) && File.Exists(Path.Combine(path, AdapterFolder.ConfigName))) return Adapter(AdapterFolder.Open(path));
            if (File.Exists(path) && Path.GetExtension(path) == ".gguf") return Gguf(GgufFile.Open(path));
            if (File.Exists(path) && Path.GetExtension(path) == ".safetensors")
            {
                SafetensorsFile file = SafetensorsFile.Open(path);
                return new Subject("safetensors", file, [.. file.Metadata.OrderBy(m => m.Key, StringComparer.Ordinal).Select(m => (m.Key, OneLine(m.Value)))], file);
            }
            return Model(HuggingFaceFolder.Open(path));
        }

        private static Subject Adapter(AdapterFolder adapter)
        {
            JsonSettings c = adapter.Config;
            List<(string, string)> facts = [("peft_type", adapter.PeftType)];
            if ((c.StringOrNull("base_model_name_or_path") ?? c.StringOrNull("model_name")) is { } name) facts.Add(("base", OneLine(name)));
            if (adapter.PeftType == "LORA") facts.Add(("rank", Text($"{c.Int("r", 8)}, alpha {c.Double("lora_alpha", 8)}")));
            if (AdapterMethods.VirtualTokens(c) is > 0 and var count) facts.Add(("virtual tokens", Text($"{count}")));
            string kind = adapter.IsHub ? "adapter-hub adapter" : adapter.PeftType == BitFitConfig.PeftType ? "KernelTune's own adapter" : "PEFT adapter";
            return new Subject(kind, adapter.Weights, facts, adapter);
        }

        private static Subject Gguf(GgufFile file)
        {
            List<(string, string)> facts = [("version", Text($"{file.Version}"))];
            foreach (string key in (string[])["general.architecture", "general.name", "tokenizer.ggml.model", "tokenizer.ggml.pre"])
                if (file.Text(key) is { } text)
                    facts.Add((key, OneLine(text)));
            facts.Add(("metadata", Text($"{file.Metadata.Count} keys")));
            return new Subject("GGUF", file, facts, file);
        }

        private static Subject Model(HuggingFaceFolder model)
        {
            JsonSettings c = model.Config;
            List<(string, string)> facts = [];
            if (c.StringOrNull("model_type") is { } type) facts.Add(("model_type", OneLine(type)));
            if (c.Has("architectures")) facts.Add(("architectures", OneLine(string.Join(", ", c.Strings("architectures")))));
            foreach (string key in (string[])
                [
                    "vocab_size", "hidden_size", "n_embd", "intermediate_size", "num_hidden_layers", "n_layer", "num_attention_heads", "n_head",
                    "num_key_value_heads", "max_position_embeddings", "n_positions",
                ])
                if (c.IntOrNull(key) is { } value)
                    facts.Add((key, Text($"{value}")));
            var tokenizer = KernelTune.Text.Tokenizer.FilesIn(model.Folder);
            facts.Add(("tokenizer", tokenizer.Count > 0 ? string.Join(", ", tokenizer.Order(StringComparer.Ordinal)) : "none"));
            return new Subject("model", model.Weights, facts, model);
        }

        public void Dispose() => owner.Dispose();

        private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

        private static string OneLine(string text)
        {
            string line = new([.. text.Select(ch => char.IsControl(ch) ? ' ' : ch)]);
            return line.Length <= 100 ? line : line[..97] + "…";
        }
    }
}
