using System.Globalization;
using System.Numerics;
using System.Text;
using KernelTune.Text.Jinja.Evaluation;
using KernelTune.Text.Jinja.Python;
using KernelTune.Text.Jinja.Values;

namespace KernelTune.Text.Jinja.Library;

/// <summary>Jinja's filters on text. The first argument of each is the value before the bar.</summary>
internal static class TextFilters
{
    public static void AddTo(Dictionary<string, FunctionValue> filters)
    {
        void Add(string name, Func<Evaluator, ArgumentReader, object?> body) => filters.Add(name, new FunctionValue(name, body));
        Add("upper", (_, a) => Plain(a, TextCase.Upper));
        Add("lower", (_, a) => Plain(a, TextCase.Lower));
        Add("capitalize", (_, a) => Plain(a, TextCase.Capitalize));
        Add("title", (_, a) => Plain(a, Title));
        Add("string", (_, a) => Ended(a, Soft(a)));
        Add("trim", (_, a) => Trim(a));
        Add("center", Center);
        Add("replace", Replace);
        Add("indent", Indent);
        Add("truncate", Truncate);
        Add("wordcount", (_, a) => WordCount(a));
        Add("wordwrap", WordWrap);
        Add("format", Format);
        Add("join", Join);
        Add("e", (e, a) => Ended(a, e.Escape(a.Required("s"))));
        Add("escape", (e, a) => Ended(a, e.Escape(a.Required("s"))));
        Add("forceescape", (e, a) => Ended(a, e.Escape(Soft(a).AsSafe(false))));
        Add("safe", (_, a) => Ended(a, Soft(a).AsSafe(true)));
        Add("striptags", (_, a) => StripTags(a));
        Add("urlencode", (e, a) => UrlEncode(e, a));
        Add("xmlattr", XmlAttributes);
        Add("filesizeformat", (_, a) => FileSize(a));
        Add("pprint", (_, a) => Ended(a, PrettyPrint(a.Required("value"))));
        Add("tojson", ToJson);
        Add("urlize", (_, _) => throw new TemplateException(TemplateErrorKind.Unsupported, "the filter urlize is not supported"));
    }

    private static TextValue Soft(ArgumentReader a) => Repr.Text(a.Required("s"));

    private static object? Ended(ArgumentReader a, object? result)
    {
        a.End();
        return result;
    }

    private static TextValue Plain(ArgumentReader a, Func<string, string> map)
    {
        TextValue text = Soft(a);
        a.End();
        return text.Derive(map(text.Text));
    }

    /// <summary>Jinja's own title: words begin after blanks and - ( { [ &lt;, and not after an apostrophe.</summary>
    private static string Title(string text)
    {
        var into = new StringBuilder();
        bool start = true;
        for (int i = 0; i < text.Length; i += CodePoints.Width(text, i))
        {
            string c = CodePoints.At(text, i);
            bool separator = c[0] is '-' or '(' or '{' or '[' or '<' || Characters.IsSpace(c[0]);
            into.Append(start && !separator ? TextCase.Upper(c) : separator ? c : TextCase.Lower(c));
            start = separator;
        }

        return into.ToString();
    }

    private static TextValue Trim(ArgumentReader a)
    {
        TextValue text = Soft(a);
        string? chars = (a.Optional("chars") as TextValue)?.Text;
        a.End();
        return TextSplitting.Strip(text, chars);
    }

    private static object? Center(Evaluator e, ArgumentReader a)
    {
        TextValue text = Soft(a);
        int width = a.Int("width", 80);
        a.End();
        return StringMethods.Find(text, "center")!.Call(e, new CallValues([new BigInteger(width)], []));
    }

    private static TextValue Replace(Evaluator e, ArgumentReader a)
    {
        TextValue text = Soft(a), old = Repr.Text(a.Required("old")), with = Repr.Text(a.Required("new"));
        object? count = a.Optional("count");
        a.End();
        return TextSplitting.Replace(text.AsSafe(false), old.Text, with, count is null ? -1 : Numbers.ToInt32(count), e.Budget);
    }

    private static TextValue Indent(Evaluator e, ArgumentReader a)
    {
        object? given = a.Required("s");
        if (given is UndefinedValue undefined) throw undefined.Error();
        if (given is not TextValue text) throw Numbers.Unsupported("+=", given, TextValue.Empty);
        object? width = a.Optional("width", new BigInteger(4));
        bool first = a.Flag("first", false), blank = a.Flag("blank", false);
        a.End();
        TextValue indention = width is TextValue w ? w : new TextValue(new string(' ', Math.Clamp(Numbers.ToInt32(width), 0, 10_000)));
        List<object?> lines = TextSplitting.Lines(new TextBuilder().Append(text).Append("\n").ToValue(), keepEnds: false);
        e.Budget.Allocate(text.Text.Length + ((long)lines.Count * (indention.Text.Length + 1)));
        var into = new TextBuilder();
        for (int i = 0; i < lines.Count; i++)
        {
            var line = (TextValue)lines[i]!;
            if (i > 0) into.Append("\n");
            if (i == 0 ? first : blank || line.Text.Length > 0) into.Append(indention);
            into.Append(line);
        }

        return into.ToValue(text.Safe);
    }

    private static TextValue Truncate(Evaluator e, ArgumentReader a)
    {
        TextValue text = Soft(a);
        int length = a.Int("length", 255);
        bool killWords = a.Flag("killwords", false);
        TextValue end = Repr.Text(a.Optional("end", new TextValue("...")));
        object? given = a.Optional("leeway");
        a.End();
        int leeway = given is null ? 5 : Numbers.ToInt32(given);
        if (length < end.Length) throw new TemplateException(TemplateErrorKind.Assertion, $"expected length >= {end.Length}, got {length}");
        if (leeway < 0) throw new TemplateException(TemplateErrorKind.Assertion, $"expected leeway >= 0, got {leeway}");
        if (text.Length <= (long)length + leeway) return text;
        e.Budget.Allocate(length);
        TextValue kept = Iteration.Slice(text, 0, length - end.Length);
        if (!killWords)
        {
            int blank = kept.Text.LastIndexOf(' ');
            if (blank >= 0) kept = kept.Substring(0, blank);
        }

        return new TextBuilder().Append(kept).Append(end).ToValue();
    }

    private static BigInteger WordCount(ArgumentReader a)
    {
        string text = Soft(a).Text;
        a.End();
        int words = 0;
        bool inside = false;
        for (int i = 0; i < text.Length; i += CodePoints.Width(text, i))
        {
            bool word = Characters.IsWordAt(text, i);
            if (word && !inside) words++;
            inside = word;
        }

        return new BigInteger(words);
    }

    /// <summary>Each line broken at blanks so that no piece is longer than the width, unless a word alone is and may not be broken.</summary>
    private static TextValue WordWrap(Evaluator e, ArgumentReader a)
    {
        TextValue text = Soft(a);
        int width = a.Int("width", 79);
        bool breakLong = a.Flag("break_long_words", true);
        object? wrap = a.Optional("wrapstring");
        bool hyphens = a.Flag("break_on_hyphens", true);
        a.End();
        if (width <= 0) throw new TemplateException(TemplateErrorKind.Value, $"invalid width {width} (must be > 0)");
        string separator = wrap is null ? "\n" : Repr.Text(wrap).Text;
        var lines = new List<string>();
        foreach (object? line in TextSplitting.Lines(text, keepEnds: false))
        {
            List<string> wrapped = WordWrapping.Wrap(((TextValue)line!).Text, width, breakLong, hyphens);
            lines.Add(string.Join(separator, wrapped));
        }

        string result = string.Join(separator, lines);
        e.Budget.Allocate(result.Length);
        return text.Derive(result);
    }

    private static TextValue Format(Evaluator e, ArgumentReader a)
    {
        TextValue format = Soft(a);
        IReadOnlyList<object?> positional = a.Positional();
        IReadOnlyList<KeyValuePair<string, object?>> named = a.Keywords();
        if (positional.Count > 0 && named.Count > 0)
            throw new TemplateException(TemplateErrorKind.Raised, "can't handle positional and keyword arguments at the same time");
        if (named.Count == 0) return PercentFormat.Format(e, format, new TupleValue(positional));
        var dict = new DictValue();
        foreach ((string key, object? value) in named) dict.Set(new TextValue(key), value);
        return PercentFormat.Format(e, format, dict);
    }

    private static TextValue Join(Evaluator e, ArgumentReader a)
    {
        object? items = a.Required("value");
        TextValue separator = Repr.Text(a.Optional("d", TextValue.Empty));
        object? attribute = a.Optional("attribute");
        a.End();
        Func<object?, object?> get = SequenceFilters.Getter(attribute);
        var into = new TextBuilder();
        bool any = false;
        foreach (object? item in Iteration.Items(items))
        {
            e.Budget.Step();
            TextValue piece = Repr.Text(get(item));
            e.Budget.Allocate(piece.Text.Length + separator.Text.Length);
            if (any) into.Append(separator);
            into.Append(piece);
            any = true;
        }

        return into.ToValue();
    }

    private static TextValue StripTags(ArgumentReader a)
    {
        TextValue text = Soft(a);
        a.End();
        string s = text.Text;
        for (int at; (at = s.IndexOf("<!--", StringComparison.Ordinal)) >= 0;)
        {
            int end = s.IndexOf("-->", at, StringComparison.Ordinal);
            if (end < 0) break;
            s = s.Remove(at, end + 3 - at);
        }

        for (int at; (at = s.IndexOf('<')) >= 0;)
        {
            int end = s.IndexOf('>', at);
            if (end < 0) break;
            s = s.Remove(at, end + 1 - at);
        }

        string joined = string.Join(" ", s.Split(Characters.WhiteSpace, StringSplitOptions.RemoveEmptyEntries));
        foreach ((string entity, string character) in new[] { ("&lt;", "<"), ("&gt;", ">"), ("&#34;", "\""), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&") })
            joined = joined.Replace(entity, character, StringComparison.Ordinal);
        return text.Derive(joined);
    }

    private static TextValue UrlEncode(Evaluator e, ArgumentReader a)
    {
        object? value = a.Required("value");
        a.End();
        string result;
        if (value is TextValue || !Iteration.IsIterable(value)) result = Quote(Repr.Text(value).Text, forQuery: false);
        else
        {
            IEnumerable<object?> pairs = value is DictValue dict ? dict.Entries.Select(object? (p) => new TupleValue([p.Key, p.Value])) : Iteration.Items(value);
            result = string.Join("&", pairs.Select(p =>
            {
                List<object?> pair = e.Unpack(p, 2);
                return $"{Quote(Repr.Text(pair[0]).Text, true)}={Quote(Repr.Text(pair[1]).Text, true)}";
            }));
        }

        e.Budget.Allocate(result.Length);
        return TextValue.Derive(result, Repr.HasContent(value));
    }

    private static string Quote(string text, bool forQuery)
    {
        var into = new StringBuilder();
        foreach (byte b in System.Text.Encoding.UTF8.GetBytes(text))
        {
            char c = (char)b;
            if (char.IsAsciiLetterOrDigit(c) || c is '_' or '.' or '-' or '~' || (c == '/' && !forQuery)) into.Append(c);
            else if (c == ' ' && forQuery) into.Append('+');
            else into.Append(CultureInfo.InvariantCulture, $"%{b:X2}");
        }

        return into.ToString();
    }

    private static TextValue XmlAttributes(Evaluator e, ArgumentReader a)
    {
        object? given = a.Required("d");
        bool space = a.Flag("autospace", true);
        a.End();
        if (given is not DictValue dict) throw new TemplateException(TemplateErrorKind.Type, $"'{TypeNames.Of(given)}' object has no items");
        var into = new TextBuilder();
        foreach ((object? key, object? value) in dict.Entries)
        {
            if (value is null or UndefinedValue) continue;
            TextValue name = Repr.Text(key);
            if (name.Text.Any(c => c is ' ' or '\t' or '\n' or '\r' or '\f' or '\v' or '/' or '>' or '='))
                throw new TemplateException(TemplateErrorKind.Value, $"Invalid character in attribute name: {Repr.Of(key)}");
            if (into.Length > 0 || space) into.Append(" ");
            into.Append(e.Escape(name)).Append("=\"").Append(e.Escape(value)).Append("\"");
        }

        return into.ToValue();
    }

    private static TextValue FileSize(ArgumentReader a)
    {
        object? value = a.Required("value");
        bool binary = a.Flag("binary", false);
        a.End();
        double bytes = value is TextValue text ? Numbers.TryParseFloat(text.Text, out double parsed) ? parsed : throw new TemplateException(TemplateErrorKind.Value, $"could not convert string to float: {Repr.Of(value)}")
            : Numbers.IsNumber(value) ? Numbers.ToDouble(value!) : throw new TemplateException(TemplateErrorKind.Type, $"float() argument must be a string or a real number, not '{TypeNames.Of(value)}'");
        int size = binary ? 1024 : 1000;
        if (bytes == 1) return new TextValue("1 Byte");
        if (bytes < size) return new TextValue($"{(long)bytes} Bytes");
        string[] prefixes = binary ? ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"] : ["kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"];
        int i = 0;
        while (i < prefixes.Length - 1 && bytes >= Math.Pow(size, i + 2)) i++;
        return new TextValue($"{FloatText.Fixed(size * bytes / Math.Pow(size, i + 2), 1)} {prefixes[i]}");
    }

    private static TextValue PrettyPrint(object? value)
    {
        string text = Repr.Of(value);
        if (text.Length > 80 && value is ListValue or TupleValue or DictValue)
            throw new TemplateException(TemplateErrorKind.Unsupported, "the filter pprint is supported only where all fits one line");
        return TextValue.Derive(text, Repr.HasContent(value));
    }

    private static TextValue ToJson(Evaluator e, ArgumentReader a)
    {
        object? value = a.Required("x");
        bool ascii = a.Flag("ensure_ascii", false);
        object? indent = a.Optional("indent"), separators = a.Optional("separators");
        bool sort = a.Flag("sort_keys", false);
        a.End();
        string? step = indent switch
        {
            null => null,
            TextValue text => text.Text,
            _ => new string(' ', Math.Clamp(Numbers.ToInt32(indent), 0, 1000)),
        };
        string item = step is null ? ", " : ",", key = ": ";
        if (separators is not null)
        {
            List<object?> pair = e.Unpack(separators, 2);
            (item, key) = (Repr.Text(pair[0]).Text, Repr.Text(pair[1]).Text);
        }

        string json = new JsonText(step, item, key, ascii, sort).Of(value);
        e.Budget.Allocate(json.Length);
        return TextValue.Derive(json, Repr.HasContent(value));
    }
}
