using KernelTune.Text.Jinja.Python;

namespace KernelTune.Text.Jinja.Values;

/// <summary>Part of a text that came from a message: UTF-16 units [Start, End).</summary>
internal readonly record struct TextRange(int Start, int End);

/// <summary>
/// A string of the template. It remembers which of its parts came from messages, so that a tokenizer can tell the template's own special
/// tokens from text that merely looks like them; Safe is what Markup is to Jinja.
/// </summary>
internal sealed class TextValue(string text, TextRange[]? content = null, bool safe = false)
{
    private int _length = -1;

    public static TextValue Empty { get; } = new("");

    public string Text => text;

    /// <summary>The parts that came from messages, ascending and disjoint; null for none.</summary>
    public TextRange[]? Content => content;

    public bool Safe => safe;

    /// <summary>The number of code points.</summary>
    public int Length => _length >= 0 ? _length : _length = CodePoints.Count(text);

    /// <summary>A text of which all came from a message.</summary>
    public static TextValue FromMessage(string text) => new(text, text.Length == 0 ? null : [new TextRange(0, text.Length)]);

    /// <summary>A text computed out of this one in a way that leaves no telling which part became what: all of it counts as content if any was.</summary>
    public TextValue Derive(string result) => Derive(result, content is not null, safe);

    public static TextValue Derive(string result, bool anyContent, bool safe = false) =>
        new(result, anyContent && result.Length > 0 ? [new TextRange(0, result.Length)] : null, safe);

    public TextValue AsSafe(bool value) => safe == value ? this : new TextValue(text, content, value);

    /// <summary>UTF-16 units [start, end).</summary>
    public TextValue Substring(int start, int end)
    {
        if (start >= end) return safe ? new TextValue("", null, true) : Empty;
        if (start == 0 && end == text.Length) return this;
        TextRange[]? kept = null;
        if (content is not null)
        {
            var ranges = new List<TextRange>();
            foreach (TextRange r in content)
            {
                int from = Math.Max(r.Start, start), to = Math.Min(r.End, end);
                if (from < to) ranges.Add(new TextRange(from - start, to - start));
            }

            if (ranges.Count > 0) kept = ranges.ToArray();
        }

        return new TextValue(text[start..end], kept, safe);
    }

    public override string ToString() => text;
}

/// <summary>Joins texts and their content ranges; what it holds is counted against the budget by its owner.</summary>
internal sealed class TextBuilder
{
    private readonly System.Text.StringBuilder _text = new();
    private readonly List<TextRange> _content = [];

    public int Length => _text.Length;

    /// <summary>Code points so far.</summary>
    public int CodePointCount { get; private set; }

    public IReadOnlyList<TextRange> Content => _content;

    public TextBuilder Append(TextValue value)
    {
        if (value.Content is { } ranges)
        {
            foreach (TextRange r in ranges)
            {
                int start = r.Start + _text.Length, end = r.End + _text.Length;
                if (_content.Count > 0 && _content[^1].End == start) _content[^1] = new TextRange(_content[^1].Start, end);
                else _content.Add(new TextRange(start, end));
            }
        }

        _text.Append(value.Text);
        CodePointCount += value.Length;
        return this;
    }

    public TextBuilder Append(string text)
    {
        _text.Append(text);
        CodePointCount += CodePoints.Count(text);
        return this;
    }

    public TextValue ToValue(bool safe = false) => new(_text.ToString(), _content.Count > 0 ? _content.ToArray() : null, safe);

    public override string ToString() => _text.ToString();
}
