using KernelTune.Text.Jinja.Values;

namespace KernelTune.Text.Jinja.Python;

/// <summary>split, rsplit, splitlines, strip, replace, find of str: pieces remember which of their parts are a message's.</summary>
internal static class TextSplitting
{
    public static TextValue Strip(TextValue text, string? chars, bool left = true, bool right = true)
    {
        string s = text.Text;
        Func<int, bool> drop = chars is null ? Characters.IsSpace : Member(chars);
        int start = 0, end = s.Length;
        while (left && start < end && drop(CodePoints.ValueAt(s, start))) start += CodePoints.Width(s, start);
        while (right && end > start)
        {
            int last = end - 1;
            if (last > start && char.IsLowSurrogate(s[last]) && char.IsHighSurrogate(s[last - 1])) last--;
            if (!drop(CodePoints.ValueAt(s, last))) break;
            end = last;
        }

        return text.Substring(start, end);
    }

    private static Func<int, bool> Member(string chars)
    {
        var set = new HashSet<int>();
        for (int i = 0; i < chars.Length; i += CodePoints.Width(chars, i)) set.Add(CodePoints.ValueAt(chars, i));
        return set.Contains;
    }

    /// <summary>split(separator, limit); a null separator splits at runs of white space and drops the ends.</summary>
    public static List<object?> Split(TextValue text, string? separator, int limit)
    {
        var pieces = new List<object?>();
        string s = text.Text;
        if (separator is null)
        {
            int i = SkipSpace(s, 0);
            while (i < s.Length)
            {
                int end = i;
                if (limit >= 0 && pieces.Count >= limit)
                {
                    pieces.Add(text.Substring(i, s.Length));
                    return pieces;
                }

                while (end < s.Length && !Characters.IsSpace(s[end])) end++;
                pieces.Add(text.Substring(i, end));
                i = SkipSpace(s, end);
            }

            return pieces;
        }

        if (separator.Length == 0) throw new TemplateException(TemplateErrorKind.Value, "empty separator");
        int from = 0;
        for (int at; (limit < 0 || pieces.Count < limit) && (at = s.IndexOf(separator, from, StringComparison.Ordinal)) >= 0; from = at + separator.Length)
            pieces.Add(text.Substring(from, at));
        pieces.Add(text.Substring(from, s.Length));
        return pieces;
    }

    /// <summary>rsplit(separator, limit): like split, counted from the end.</summary>
    public static List<object?> SplitFromEnd(TextValue text, string? separator, int limit)
    {
        if (limit < 0) return Split(text, separator, limit);
        var pieces = new List<object?>();
        string s = text.Text;
        int end = s.Length;
        if (separator is null)
        {
            while (true)
            {
                while (end > 0 && Characters.IsSpace(s[end - 1])) end--;
                if (end == 0) break;
                int start = end;
                if (pieces.Count >= limit)
                {
                    pieces.Add(text.Substring(0, end));
                    break;
                }

                while (start > 0 && !Characters.IsSpace(s[start - 1])) start--;
                pieces.Add(text.Substring(start, end));
                end = start;
            }
        }
        else
        {
            if (separator.Length == 0) throw new TemplateException(TemplateErrorKind.Value, "empty separator");
            while (pieces.Count < limit && end >= separator.Length)
            {
                int at = s.AsSpan(0, end).LastIndexOf(separator, StringComparison.Ordinal);
                if (at < 0) break;
                pieces.Add(text.Substring(at + separator.Length, end));
                end = at;
            }

            pieces.Add(text.Substring(0, end));
        }

        pieces.Reverse();
        return pieces;
    }

    public static List<object?> Lines(TextValue text, bool keepEnds)
    {
        var lines = new List<object?>();
        string s = text.Text;
        int start = 0;
        for (int i = 0; i < s.Length; i++)
        {
            if (!Characters.IsLineBreak(s[i])) continue;
            int next = s[i] == '\r' && i + 1 < s.Length && s[i + 1] == '\n' ? i + 2 : i + 1;
            lines.Add(text.Substring(start, keepEnds ? next : i));
            start = next;
            i = next - 1;
        }

        if (start < s.Length) lines.Add(text.Substring(start, s.Length));
        return lines;
    }

    /// <summary>replace(old, new, count); a negative count replaces all. An empty old stands before every code point and at the end.</summary>
    public static TextValue Replace(TextValue text, string old, TextValue with, int count, Budget budget)
    {
        string s = text.Text;
        if (count == 0 || (old.Length > 0 && !s.Contains(old, StringComparison.Ordinal))) return text;
        var into = new TextBuilder();
        int from = 0, done = 0;
        if (old.Length == 0)
        {
            for (int i = 0; i <= s.Length && (count < 0 || done < count); i += i < s.Length ? CodePoints.Width(s, i) : 1, done++)
            {
                into.Append(text.Substring(from, i)).Append(with);
                from = i;
                budget.Allocate(with.Text.Length + 1);
            }
        }
        else
        {
            for (int at; (count < 0 || done < count) && (at = s.IndexOf(old, from, StringComparison.Ordinal)) >= 0; from = at + old.Length, done++)
            {
                into.Append(text.Substring(from, at)).Append(with);
                budget.Allocate(at - from + with.Text.Length);
            }
        }

        budget.Allocate(s.Length - from);
        return into.Append(text.Substring(from, s.Length)).ToValue(text.Safe);
    }

    private static int SkipSpace(string s, int i)
    {
        while (i < s.Length && Characters.IsSpace(s[i])) i++;
        return i;
    }
}
