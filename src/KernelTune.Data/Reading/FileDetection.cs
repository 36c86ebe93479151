using System.Buffers;
using System.Text;
using System.Text.Json;

namespace KernelTune.Data.Reading;

/// <summary>Tells from a file's content, and from its name only where that leaves it open, what it is.</summary>
internal static class FileDetection
{
    private const int HeadLength = 1 << 16;
    private const int LongestWhole = 1 << 30;

    private static readonly (byte[] Magic, string Kind)[] Packed =
        [([0x1f, 0x8b], "a gzip"), ("PK\u0003\u0004"u8.ToArray(), "a ZIP"), ([0x28, 0xb5, 0x2f, 0xfd], "a Zstandard"), ("BZh"u8.ToArray(), "a bzip2"), ([0xfd, 0x37, 0x7a, 0x58, 0x5a], "an XZ")];

    /// <exception cref="DataException">The file cannot be read, or is of no kind that is known.</exception>
    public static RecordReader Open(string path, ReadOptions options)
    {
        int longest = options.LongestLine;
        if (options.Target is { } target) return new ParallelTextReader(path, target, longest);
        if (Directory.Exists(path)) return new TextFolderReader(path, longest);
        (byte[] head, long length) = WholeText.Head(path, HeadLength);
        foreach (var (magic, kind) in Packed)
            if (head.AsSpan().StartsWith(magic)) throw new DataException(path, $"{kind} archive was found, the file in it wanted: unpack it first");
        if (head.AsSpan().StartsWith("PAR1"u8)) return new ParquetFileReader(path);
        string extension = Path.GetExtension(path).ToLowerInvariant();
        if (options.Format == ExampleFormat.Csv || extension == ".csv") return new CsvFileReader(path, null, longest);
        if (extension is ".tsv" or ".tab") return new CsvFileReader(path, '\t', longest);
        if (extension is ".jsonl" or ".ndjson") return new JsonLinesReader(path, longest);
        ReadOnlySpan<byte> text = head.AsSpan().StartsWith("\uFEFF"u8) ? head.AsSpan(3) : head;
        text = text.TrimStart(" \t\r\n"u8);
        bool whole = length == head.Length;
        if (text.StartsWith("{"u8) || text.StartsWith("["u8)) return Json(path, text, whole, extension == ".json", longest);
        if (extension == ".json" || text.IsEmpty) return new JsonLinesReader(path, longest);       // says what is wrong with the first line, or that there is none
        return Separator(text) is { } separator ? new CsvFileReader(path, separator, longest) : new TextLinesReader(path, longest);
    }

    private static RecordReader Json(string path, ReadOnlySpan<byte> text, bool whole, bool named, int longest)
    {
        if (text[0] == '[') return named || BeginsList(text, whole) ? new JsonListReader(path, null, longest) : new TextLinesReader(path, longest);
        Outline outline = Outline.Of(text, whole);
        if (outline.HasArticles) return new SquadReader(path, longest);
        if (outline.IsOneLine && (!outline.IsWholeFile || outline.IsRow)) return new JsonLinesReader(path, longest);
        if (outline.HasData) return new JsonListReader(path, "data", longest);
        return outline.IsColumns ? new JsonColumnsReader(path, LongestWhole) : new JsonLinesReader(path, longest);
    }

    /// <summary>A list of objects, or an empty one; a text that begins with a bracket is neither.</summary>
    private static bool BeginsList(ReadOnlySpan<byte> text, bool whole)
    {
        var reader = new Utf8JsonReader(text, whole, default);
        try
        {
            return reader.Read() && (!reader.Read() || reader.TokenType is JsonTokenType.StartObject or JsonTokenType.EndArray);
        }
        catch (JsonException)
        {
            return false;
        }
    }

    /// <summary>What separates the fields of a header whose names are known; null: the text is no table.</summary>
    private static char? Separator(ReadOnlySpan<byte> text)
    {
        int newline = text.IndexOf((byte)'\n');
        string header = Encoding.UTF8.GetString(newline < 0 ? text : text[..newline]).TrimEnd('\r');
        foreach (char separator in ",;\t|")
        {
            string[] names = header.Split(separator);
            if (names.Length > 1 && names.Count(n => ExampleColumns.Names.Contains(n.Trim('"')) || RowShape.OtherNames.Contains(n.Trim('"'))) > 1) return separator;
        }

        return null;
    }

    /// <summary>What the first object of a file shows, as far as the head of the file shows it.</summary>
    private readonly record struct Outline(bool IsOneLine, bool IsWholeFile, bool IsRow, bool HasArticles, bool HasData, bool IsColumns)
    {
        public static Outline Of(ReadOnlySpan<byte> text, bool whole)
        {
            var names = new List<string>();
            bool lists = true, closed = false, articles = false, data = false, row = false;
            int end = text.Length;
            var reader = new Utf8JsonReader(text, whole, new JsonReaderState(new JsonReaderOptions { AllowMultipleValues = true }));
            try
            {
                while (reader.Read())
                {
                    if (reader.CurrentDepth == 1 && reader.TokenType == JsonTokenType.PropertyName) names.Add(reader.GetString()!);
                    else if (reader.CurrentDepth == 1 && reader.TokenType != JsonTokenType.EndArray && reader.TokenType != JsonTokenType.EndObject && names.Count > 0)
                    {
                        if (reader.TokenType != JsonTokenType.StartArray) lists = false;
                    }
                    else if (reader.CurrentDepth == 2 && reader.TokenType == JsonTokenType.StartObject && names is [.., "data"]) data = true;
                    else if (reader.CurrentDepth == 2 && reader.TokenType == JsonTokenType.StartObject && names is [.., "messages" or "conversations" or "prompt" or "chosen"]) row = true;
                    else if (data && reader.CurrentDepth == 3 && reader.TokenType == JsonTokenType.PropertyName && reader.ValueTextEquals("paragraphs")) articles = true;
                    if (reader.CurrentDepth == 0 && reader.TokenType == JsonTokenType.EndObject)
                    {
                        (closed, end) = (true, (int)reader.BytesConsumed);
                        break;
                    }
                }
            }
            catch (Exception e) when (e is JsonException or InvalidOperationException)
            {
                end = (int)reader.BytesConsumed;
            }

            bool oneLine = text[..end].IndexOf((byte)'\n') < 0;
            bool alone = closed && text[end..].IndexOfAnyExcept(" \t\r\n"u8) < 0;
            bool table = lists && names.Count > 0 && !row;
            // An object that the head does not hold to its end is a row, unless it begins as no row does.
            return new Outline(oneLine, closed ? alone && whole : data || (table && !whole && names.Count > 0 && lists && !row), row || !(data || table), articles, data, table);
        }
    }
}
