namespace KernelTune.Data.Reading;

/// <summary>A text a line; blank lines are counted and passed over.</summary>
internal sealed class TextLinesReader(string path, int longestLine) : RecordReader
{
    private readonly LineReader _lines = new(path, longestLine);

    public override string Kind => "plain text, a row a line";

    public override bool TryRead(out Record record)
    {
        while (_lines.TryRead(out Line line))
        {
            if (line.IsBlank)
            {
                BlankLines++;
                continue;
            }

            var place = new Place(line.Number, "line");
            record = line.Problem is not null
                ? new Record(place, default, new DataException(path, line.Problem, line.Number, line.Column))
                : new Record(place, RecordJson.Make(w => w.WriteString("text", line.Bytes.Span)));
            return true;
        }

        record = default;
        return false;
    }

    protected override void Close() => _lines.Dispose();
}

/// <summary>Two files whose lines belong together: line k of the one is <c>source</c>, of the other <c>target</c>. Lines that are blank in both are passed over.</summary>
internal sealed class ParallelTextReader(string path, string target, int longestLine) : RecordReader
{
    private readonly LineReader _source = new(path, longestLine);
    private readonly LineReader _target = new(target, longestLine);

    public override string Kind => $"parallel text with {target}, a row a line";

    public override bool TryRead(out Record record)
    {
        while (true)
        {
            bool more = _source.TryRead(out Line source), other = _target.TryRead(out Line translation);
            if (more != other)
                throw new DataException(more ? target : path, $"{(more ? source : translation).Number - 1} lines were found, as many as {(more ? path : target)} has wanted", (more ? source : translation).Number);
            record = default;
            if (!more) return false;
            if (source.IsBlank && translation.IsBlank)
            {
                BlankLines++;
                continue;
            }

            var place = new Place(source.Number, "line");
            DataException? problem = Problem(source, path) ?? Problem(translation, target);
            record = problem is not null
                ? new Record(place, default, problem)
                : new Record(place, RecordJson.Make(w =>
                {
                    w.WriteString("source", source.Bytes.Span);
                    w.WriteString("target", translation.Bytes.Span);
                }));
            return true;
        }
    }

    protected override void Close()
    {
        _source.Dispose();
        _target.Dispose();
    }

    private static DataException? Problem(Line line, string file) =>
        line.Problem is not null ? new DataException(file, line.Problem, line.Number, line.Column) : line.IsBlank ? new DataException(file, "a blank line was found, a text wanted", line.Number) : null;
}

/// <summary>A folder's texts, below it too: each file is one document. Files that begin with a dot are passed over.</summary>
internal sealed class TextFolderReader : RecordReader
{
    private static readonly string[] Extensions = [".txt", ".text", ".md", ".rst"];

    private readonly string[] _files;
    private readonly int _longest;
    private int _next;

    /// <exception cref="DataException">The folder holds no text, or cannot be read.</exception>
    public TextFolderReader(string folder, int longest)
    {
        _longest = longest;
        try
        {
            _files = [.. Directory.EnumerateFiles(folder, "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.Hidden | FileAttributes.System })
                .Where(f => Extensions.Contains(Path.GetExtension(f), StringComparer.OrdinalIgnoreCase)).Order(StringComparer.Ordinal)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DataException(folder, $"cannot be read ({e.Message.Split('\n')[0].TrimEnd('\r', '.')})", inner: e);
        }

        if (_files.Length == 0) throw new DataException(folder, $"a folder without texts was found, a file or a folder of {string.Join(", ", Extensions)} wanted");
    }

    public override string Kind => $"a folder of {_files.Length} texts, a row a text";

    public override bool TryRead(out Record record)
    {
        while (_next < _files.Length)
        {
            string file = _files[_next++];
            var place = new Place(_next, "text");
            try
            {
                string text = WholeText.Read(file, _longest);
                if (string.IsNullOrWhiteSpace(text)) continue;
                record = new Record(place, RecordJson.Make(w => w.WriteString("document", text)));
            }
            catch (DataException e)
            {
                record = new Record(place, default, e);
            }

            return true;
        }

        record = default;
        return false;
    }

    protected override void Close()
    {
    }
}
