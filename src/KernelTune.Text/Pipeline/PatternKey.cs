using KernelTune.Text.Patterns;

namespace KernelTune.Text.Pipeline;

/// <summary>A pattern together with the key of the file that it came from: {"String": …} or {"Regex": …}.</summary>
internal sealed class PatternKey
{
    private readonly Pattern pattern;
    private readonly string file;
    private readonly string path;
    private readonly bool invert;

    private PatternKey(Pattern pattern, string? literal, bool invert, string file, string path)
    {
        (this.pattern, Literal, this.invert, this.file, this.path) = (pattern, literal, invert, file, path);
    }

    /// <summary>The text that is looked for, where it is one.</summary>
    public string? Literal { get; }

    /// <exception cref="TokenizerException">The pattern is neither a string nor a regular expression, or one that cannot be read.</exception>
    public static PatternKey Read(JsonKey key, bool invert = false)
    {
        var literal = key.Find("String");
        var source = literal ?? key.Find("Regex") ?? throw key.Wrong("a pattern is wanted: {\"String\": …} or {\"Regex\": …}");
        try
        {
            string text = source.Text();
            return new PatternKey(literal is null ? new Pattern(text) : Pattern.Literal(text), literal is null ? null : text, invert, source.File, source.Path);
        }
        catch (PatternException e)
        {
            throw new TokenizerException(source.File, source.Path, e.Message, e);
        }
    }

    /// <summary>A pattern of ours, which has no key.</summary>
    public static PatternKey Own(string source, string name) => new(new Pattern(source), null, false, name, "");

    /// <summary>Matches (of an inverted pattern: what lies between) covering the text.</summary>
    /// <exception cref="TokenizerException">The pattern takes too many steps.</exception>
    public List<Match> Find(ReadOnlySpan<char> text)
    {
        try
        {
            return Matches.Of(pattern, text, invert);
        }
        catch (PatternException e)
        {
            throw new TokenizerException(file, path, e.Message, e);
        }
    }

    /// <summary>Gives the parts of text[begin..end], which is looked at by itself, to <paramref name="sink"/>.</summary>
    /// <exception cref="TokenizerException">The pattern takes too many steps.</exception>
    public void SplitRange(ReadOnlySpan<char> text, int begin, int end, SplitBehavior behavior, RangeSink sink)
    {
        var part = text[begin..end];
        if (behavior != SplitBehavior.Isolated)
        {
            foreach (var (b, e) in Matches.Cuts(Find(part), behavior))
                if (e > b) sink.Add(text, begin + b, begin + e);
            return;
        }
        try
        {
            int before = 0;
            var scan = pattern.Scan(part);
            while (scan.Next())
            {
                if (scan.Start > before) sink.Add(text, begin + before, begin + scan.Start);
                if (scan.End > scan.Start) sink.Add(text, begin + scan.Start, begin + scan.End);
                before = scan.End;
            }
            if (before < part.Length) sink.Add(text, begin + before, end);
        }
        catch (PatternException e)
        {
            throw new TokenizerException(file, path, e.Message, e);
        }
    }
}
