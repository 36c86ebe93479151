using System.Numerics;
using KernelTune.Text.Jinja.Evaluation;
using KernelTune.Text.Jinja.Python;
using KernelTune.Text.Jinja.Values;

namespace KernelTune.Text.Jinja.Library;

/// <summary>The methods of str that a template may call.</summary>
internal static class StringMethods
{
    /// <summary>The method <paramref name="name"/> bound to <paramref name="self"/>, or null if str has none.</summary>
    public static FunctionValue? Find(TextValue self, string name)
    {
        Func<Evaluator, ArgumentReader, object?>? body = name switch
        {
            "strip" => (_, a) => Strip(self, a, true, true),
            "lstrip" => (_, a) => Strip(self, a, true, false),
            "rstrip" => (_, a) => Strip(self, a, false, true),
            "upper" => (_, a) => Plain(self, a, TextCase.Upper),
            "lower" or "casefold" => (_, a) => Plain(self, a, name == "lower" ? TextCase.Lower : CaseFold),
            "title" => (_, a) => Plain(self, a, TextCase.Title),
            "capitalize" => (_, a) => Plain(self, a, TextCase.Capitalize),
            "swapcase" => (_, a) => Plain(self, a, TextCase.SwapCase),
            "split" => (e, a) => Split(e, self, a, TextSplitting.Split),
            "rsplit" => (e, a) => Split(e, self, a, TextSplitting.SplitFromEnd),
            "splitlines" => (e, a) => Lines(e, self, a),
            "startswith" => (_, a) => Affix(self, a, "startswith"),
            "endswith" => (_, a) => Affix(self, a, "endswith"),
            "find" or "index" => (_, a) => Find(self, a, last: false, mustExist: name == "index"),
            "rfind" or "rindex" => (_, a) => Find(self, a, last: true, mustExist: name == "rindex"),
            "count" => (_, a) => Count(self, a),
            "replace" => (e, a) => Replace(e, self, a),
            "join" => (e, a) => Join(e, self, a),
            "partition" => (_, a) => Partition(self, a, last: false),
            "rpartition" => (_, a) => Partition(self, a, last: true),
            "removeprefix" => (_, a) => RemoveAffix(self, a, prefix: true),
            "removesuffix" => (_, a) => RemoveAffix(self, a, prefix: false),
            "center" => (e, a) => Pad(e, self, a, n => (n / 2) + (n & (self.Length + n) & 1)),
            "ljust" => (e, a) => Pad(e, self, a, _ => 0),
            "rjust" => (e, a) => Pad(e, self, a, n => n),
            "zfill" => (e, a) => ZeroFill(e, self, a),
            "expandtabs" => (e, a) => ExpandTabs(e, self, a),
            "format" => (e, a) => BraceFormat.Format(e, self, a.Positional(), a.Keywords()),
            "format_map" => (e, a) => FormatMap(e, self, a),
            "isdigit" => (_, a) => All(self, a, Characters.IsDigit),
            "isdecimal" => (_, a) => All(self, a, Characters.IsDecimal),
            "isnumeric" => (_, a) => All(self, a, Characters.IsNumeric),
            "isalpha" => (_, a) => All(self, a, Characters.IsLetter),
            "isalnum" => (_, a) => All(self, a, c => Characters.IsLetter(c) || Characters.IsNumeric(c) || Characters.IsDigit(c)),
            "isspace" => (_, a) => All(self, a, Characters.IsSpace),
            "isprintable" => (_, a) => All(self, a, Characters.IsPrintable) || self.Length == 0,
            "isascii" => (_, a) => All(self, a, c => c < 128) || self.Length == 0,
            "isidentifier" => (_, a) => All(self, a, c => c == '_' || Characters.IsAlphanumeric(c)) && !Characters.IsNumeric(self.Text[0]),
            "islower" => (_, a) => IsCase(self, a, Characters.IsLower),
            "isupper" => (_, a) => IsCase(self, a, Characters.IsUpper),
            "istitle" => (_, a) => IsTitle(self, a),
            "encode" or "translate" or "maketrans" => (_, _) => throw new TemplateException(TemplateErrorKind.Unsupported, $"str.{name} is not supported"),
            _ => null,
        };
        return body is null ? null : new FunctionValue(name, body);
    }

    public static bool IsCase(string text, Func<int, bool> wanted)
    {
        bool any = false;
        for (int i = 0; i < text.Length; i += CodePoints.Width(text, i))
        {
            int c = CodePoints.ValueAt(text, i);
            if (!Characters.IsCased(c)) continue;
            if (!wanted(c)) return false;
            any = true;
        }

        return any;
    }

    private static bool IsCase(TextValue self, ArgumentReader a, Func<int, bool> wanted)
    {
        a.End();
        return IsCase(self.Text, wanted);
    }

    private static bool IsTitle(TextValue self, ArgumentReader a)
    {
        a.End();
        bool any = false, previous = false;
        for (int i = 0; i < self.Text.Length; i += CodePoints.Width(self.Text, i))
        {
            int c = CodePoints.ValueAt(self.Text, i);
            bool upper = Characters.IsUpper(c) || Characters.IsTitle(c);
            if ((upper && previous) || (Characters.IsLower(c) && !previous)) return false;
            previous = Characters.IsCased(c);
            any |= previous;
        }

        return any;
    }

    private static bool All(TextValue self, ArgumentReader a, Func<int, bool> wanted)
    {
        a.End();
        for (int i = 0; i < self.Text.Length; i += CodePoints.Width(self.Text, i))
            if (!wanted(CodePoints.ValueAt(self.Text, i))) return false;
        return self.Text.Length > 0;
    }

    private static string CaseFold(string text) => TextCase.Lower(text.Replace("ß", "ss", StringComparison.Ordinal)).Replace('ς', 'σ');

    private static TextValue Plain(TextValue self, ArgumentReader a, Func<string, string> map)
    {
        a.End();
        return self.Derive(map(self.Text));
    }

    private static string? OptionalText(ArgumentReader a, string name)
    {
        object? value = a.Optional(name);
        return value switch
        {
            null => null,
            TextValue text => text.Text,
            UndefinedValue undefined => throw new TemplateException(TemplateErrorKind.Type, undefined.Error().Detail),
            _ => throw new TemplateException(TemplateErrorKind.Type, $"{name} must be str or None, not {TypeNames.Of(value)}"),
        };
    }

    private static TextValue Strip(TextValue self, ArgumentReader a, bool left, bool right)
    {
        string? chars = OptionalText(a, "chars");
        a.End();
        return TextSplitting.Strip(self, chars, left, right);
    }

    private static ListValue Split(Evaluator e, TextValue self, ArgumentReader a, Func<TextValue, string?, int, List<object?>> split)
    {
        string? separator = OptionalText(a, "sep");
        int limit = a.Int("maxsplit", -1);
        a.End();
        List<object?> pieces = split(self, separator, limit);
        e.Budget.Allocate(pieces.Count + self.Text.Length);
        return new ListValue(pieces);
    }

    private static ListValue Lines(Evaluator e, TextValue self, ArgumentReader a)
    {
        bool keepEnds = a.Flag("keepends", false);
        a.End();
        List<object?> lines = TextSplitting.Lines(self, keepEnds);
        e.Budget.Allocate(lines.Count + self.Text.Length);
        return new ListValue(lines);
    }

    /// <summary>The part of the text that start and end arguments name.</summary>
    private static (TextValue Part, int Start) Window(TextValue self, ArgumentReader a)
    {
        object? start = a.Optional("start"), end = a.Optional("end");
        a.End();
        int from = Bound(start, 0, self.Length), to = Bound(end, self.Length, self.Length);
        return (from <= to ? Iteration.Slice(self, from, to) : TextValue.Empty, from <= to ? from : -1);
    }

    private static int Bound(object? given, int otherwise, int length)
    {
        if (given is null) return otherwise;
        int i = Numbers.ToInt32(given);
        return i < 0 ? Math.Max(0, i + length) : given is BigInteger && i > length ? length + 1 : i;
    }

    private static bool Affix(TextValue self, ArgumentReader a, string method)
    {
        object? wanted = a.Required("prefix");
        (TextValue part, int start) = Window(self, a);
        IReadOnlyList<object?> choices = wanted is TupleValue tuple ? tuple.Items : [wanted];
        foreach (object? choice in choices)
        {
            if (choice is UndefinedValue undefined) throw new TemplateException(TemplateErrorKind.Type, undefined.Error().Detail);
            if (choice is not TextValue text)
                throw new TemplateException(TemplateErrorKind.Type, $"{method} first arg must be str or a tuple of str, not {TypeNames.Of(choice)}");
            if (start >= 0 && (method == "startswith" ? part.Text.StartsWith(text.Text, StringComparison.Ordinal) : part.Text.EndsWith(text.Text, StringComparison.Ordinal))) return true;
        }

        return false;
    }

    private static BigInteger Find(TextValue self, ArgumentReader a, bool last, bool mustExist)
    {
        string wanted = a.Text("sub").Text;
        (TextValue part, int start) = Window(self, a);
        int at = start < 0 ? -1 : wanted.Length == 0 ? (last ? part.Text.Length : 0)
            : last ? part.Text.LastIndexOf(wanted, StringComparison.Ordinal) : part.Text.IndexOf(wanted, StringComparison.Ordinal);
        if (at < 0 && mustExist) throw new TemplateException(TemplateErrorKind.Value, "substring not found");
        return new BigInteger(at < 0 ? -1 : start + CodePoints.Count(part.Text.AsSpan(0, at)));
    }

    private static BigInteger Count(TextValue self, ArgumentReader a)
    {
        string wanted = a.Text("sub").Text;
        (TextValue part, int start) = Window(self, a);
        if (start < 0) return BigInteger.Zero;
        if (wanted.Length == 0) return new BigInteger(part.Length + 1);
        int n = 0;
        for (int at = 0; (at = part.Text.IndexOf(wanted, at, StringComparison.Ordinal)) >= 0; at += wanted.Length) n++;
        return new BigInteger(n);
    }

    private static TextValue Replace(Evaluator e, TextValue self, ArgumentReader a)
    {
        TextValue old = a.Text("old"), with = a.Text("new");
        int count = a.Int("count", -1);
        a.End();
        if (self.Safe) with = e.Escape(with);
        return TextSplitting.Replace(self, old.Text, with, count, e.Budget);
    }

    private static TextValue Join(Evaluator e, TextValue self, ArgumentReader a)
    {
        object? items = a.Required("iterable");
        a.End();
        var into = new TextBuilder();
        int n = 0;
        foreach (object? item in Iteration.Items(items))
        {
            e.Budget.Step();
            if (item is not TextValue text)
            {
                if (self.Safe) text = e.Escape(item);
                else throw new TemplateException(TemplateErrorKind.Type, $"sequence item {n}: expected str instance, {TypeNames.Of(item)} found");
            }

            if (n++ > 0) into.Append(self);
            into.Append(self.Safe ? e.Escape(text) : text);
            e.Budget.Allocate(self.Text.Length + text.Text.Length);
        }

        return into.ToValue(self.Safe);
    }

    private static TupleValue Partition(TextValue self, ArgumentReader a, bool last)
    {
        string separator = a.Text("sep").Text;
        a.End();
        if (separator.Length == 0) throw new TemplateException(TemplateErrorKind.Value, "empty separator");
        int at = last ? self.Text.LastIndexOf(separator, StringComparison.Ordinal) : self.Text.IndexOf(separator, StringComparison.Ordinal);
        if (at < 0) return last ? new TupleValue([TextValue.Empty, TextValue.Empty, self]) : new TupleValue([self, TextValue.Empty, TextValue.Empty]);
        int end = at + separator.Length;
        return new TupleValue([self.Substring(0, at), self.Substring(at, end), self.Substring(end, self.Text.Length)]);
    }

    private static TextValue RemoveAffix(TextValue self, ArgumentReader a, bool prefix)
    {
        string affix = a.Text("affix").Text;
        a.End();
        if (affix.Length == 0) return self;
        if (prefix) return self.Text.StartsWith(affix, StringComparison.Ordinal) ? self.Substring(affix.Length, self.Text.Length) : self;
        return self.Text.EndsWith(affix, StringComparison.Ordinal) ? self.Substring(0, self.Text.Length - affix.Length) : self;
    }

    private static TextValue Pad(Evaluator e, TextValue self, ArgumentReader a, Func<int, int> left)
    {
        int width = a.Int("width");
        string fill = a.Optional("fillchar") is TextValue text ? text.Text : " ";
        a.End();
        if (CodePoints.Count(fill) != 1) throw new TemplateException(TemplateErrorKind.Type, "The fill character must be exactly one character long");
        int missing = width - self.Length;
        if (missing <= 0) return self;
        e.Budget.Allocate(width);
        int before = left(missing);
        return new TextBuilder().Append(Repeat(fill, before)).Append(self).Append(Repeat(fill, missing - before)).ToValue(self.Safe);
    }

    public static string Repeat(string text, int count) => count <= 0 ? "" : string.Concat(Enumerable.Repeat(text, count));

    private static TextValue ZeroFill(Evaluator e, TextValue self, ArgumentReader a)
    {
        int width = a.Int("width");
        a.End();
        int missing = width - self.Length;
        if (missing <= 0) return self;
        e.Budget.Allocate(width);
        int sign = self.Text.Length > 0 && self.Text[0] is '+' or '-' ? 1 : 0;
        return new TextBuilder().Append(self.Substring(0, sign)).Append(new string('0', missing)).Append(self.Substring(sign, self.Text.Length)).ToValue();
    }

    private static TextValue ExpandTabs(Evaluator e, TextValue self, ArgumentReader a)
    {
        int size = a.Int("tabsize", 8);
        a.End();
        var into = new System.Text.StringBuilder();
        int column = 0;
        for (int i = 0; i < self.Text.Length; i += CodePoints.Width(self.Text, i))
        {
            char c = self.Text[i];
            if (c == '\t')
            {
                int blanks = size > 0 ? size - (column % size) : 0;
                e.Budget.Allocate(blanks);
                into.Append(' ', blanks);
                column += blanks;
                continue;
            }

            into.Append(self.Text, i, CodePoints.Width(self.Text, i));
            column = c is '\n' or '\r' ? 0 : column + 1;
        }

        return self.Derive(into.ToString());
    }

    private static TextValue FormatMap(Evaluator e, TextValue self, ArgumentReader a)
    {
        object? mapping = a.Required("mapping");
        a.End();
        if (mapping is not DictValue dict) throw new TemplateException(TemplateErrorKind.Type, "format_map() argument must be a mapping");
        var named = dict.Entries.Where(x => x.Key is TextValue).Select(x => new KeyValuePair<string, object?>(((TextValue)x.Key!).Text, x.Value)).ToList();
        return BraceFormat.Format(e, self, [], named);
    }
}
