using System.Text;
using KernelTune.Training.Recipes;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace KernelTune.Cli.Recipes;

/// <summary>Reads the YAML that recipes are written in: one document of mappings, sequences and scalars; no anchors, aliases or tags,
/// no key twice. Goes over the parser's events, so that every value keeps its line and column and nothing is built by reflection.</summary>
internal static class YamlTree
{
    private const int MaxDepth = 32;
    private const long MaxBytes = 1 << 20;

    /// <summary>The document in the file at <paramref name="path"/>.</summary>
    /// <exception cref="RecipeException">The file is absent, is not UTF-8, or is not such YAML.</exception>
    public static YamlMapping Read(string path)
    {
        if (Directory.Exists(path)) throw new RecipeException(path, null, "a folder, wanted a recipe file");
        if (!File.Exists(path)) throw new RecipeException(path, null, "no such file");
        long length = new FileInfo(path).Length;
        if (length > MaxBytes) throw new RecipeException(path, null, $"{length} bytes, a recipe has at most {MaxBytes}");
        byte[] bytes = File.ReadAllBytes(path);
        try
        {
            return Parse(new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(bytes), path);
        }
        catch (DecoderFallbackException e)
        {
            throw new RecipeException(path, null, $"byte {e.Index} is not UTF-8");
        }
    }

    /// <summary>The document that <paramref name="text"/> holds; places name <paramref name="file"/>.</summary>
    /// <exception cref="RecipeException">The text is not such YAML.</exception>
    public static YamlMapping Parse(string text, string file)
    {
        try
        {
            return new Reader(text.TrimStart('\ufeff'), mark => $"{file}:{mark.Line}:{mark.Column}").Document(file);
        }
        catch (YamlException e)
        {
            throw new RecipeException($"{file}:{e.Start.Line}:{e.Start.Column}", null, $"not YAML: {e.Message}");
        }
    }

    /// <summary>One value, as it stands to the right of a command line's <c>key=</c>.</summary>
    /// <exception cref="RecipeException">The text is not one value.</exception>
    public static YamlNode ParseValue(string text, string place)
    {
        try
        {
            return new Reader(text, _ => place).Value(place);
        }
        catch (YamlException e)
        {
            throw new RecipeException(place, null, $"not YAML: {e.Message}");
        }
    }

    private sealed class Reader(string text, Func<Mark, string> place)
    {
        private readonly Parser _parser = new(new StringReader(text));

        public YamlMapping Document(string file)
        {
            _parser.Consume<StreamStart>();
            if (_parser.Accept<StreamEnd>(out _)) throw new RecipeException(file, null, "empty, wanted a recipe: model: … and data: { train: … }");
            _parser.Consume<DocumentStart>();
            YamlNode node = Node(0);
            _parser.Consume<DocumentEnd>();
            if (!_parser.Accept<StreamEnd>(out _)) throw new RecipeException(Here(), null, "a second document: a recipe is one");
            return node is YamlMapping mapping ? mapping : throw new RecipeException(node.Place, null, "wanted keys and values: model: …");
        }

        public YamlNode Value(string where)
        {
            _parser.Consume<StreamStart>();
            if (_parser.Accept<StreamEnd>(out _)) return new YamlScalar(where, "", Plain: true);
            _parser.Consume<DocumentStart>();
            YamlNode node = Node(0);
            _parser.Consume<DocumentEnd>();
            return _parser.Accept<StreamEnd>(out _) ? node : throw new RecipeException(where, null, "more than one value");
        }

        private string Here() => place(_parser.Current!.Start);

        private YamlNode Node(int depth)
        {
            string where = Here();
            if (depth > MaxDepth) throw new RecipeException(where, null, $"nested more than {MaxDepth} deep");
            if (_parser.Accept<AnchorAlias>(out var alias)) throw new RecipeException(where, null, $"an alias, *{alias.Value}: recipes have none");
            if (_parser.Current is NodeEvent { Anchor.IsEmpty: false } anchored) throw new RecipeException(where, null, $"an anchor, &{anchored.Anchor}: recipes have none");
            if (_parser.Current is NodeEvent { Tag.IsEmpty: false } tagged) throw new RecipeException(where, null, $"a tag, {tagged.Tag}: recipes have none");
            if (_parser.TryConsume<Scalar>(out var scalar)) return new YamlScalar(where, scalar.Value, scalar.Style == ScalarStyle.Plain);
            if (_parser.TryConsume<SequenceStart>(out _))
            {
                List<YamlNode> items = [];
                while (!_parser.TryConsume<SequenceEnd>(out _)) items.Add(Node(depth + 1));
                return new YamlSequence(where, items);
            }
            _parser.Consume<MappingStart>();
            var mapping = new YamlMapping(where);
            while (!_parser.TryConsume<MappingEnd>(out _))
            {
                if (Node(depth + 1) is not YamlScalar key) throw new RecipeException(where, null, "a key that is not a name");
                if (mapping.Find(key.Text) is { } first) throw new RecipeException(key.Place, key.Text, $"given twice, first at {first.KeyPlace}");
                mapping.Entries.Add(new YamlEntry(key.Text, key.Place, Node(depth + 1)));
            }
            return mapping;
        }
    }
}
