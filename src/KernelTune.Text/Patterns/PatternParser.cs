using System.Globalization;
using KernelTune.Text.Unicode;

namespace KernelTune.Text.Patterns;

/// <summary>Reads a regular expression in Oniguruma's own syntax: the one that tokenizer.json files are written in. Groups capture nothing;
/// what would need it (back references, recursion, conditions) is refused. Case-insensitive matching folds single code points.</summary>
internal sealed class PatternParser
{
    private const int DeepestNesting = 200;

    private readonly string pattern;
    private int at;
    private int depth;
    private bool ignoreCase;
    private bool dotAll;
    private bool extended;

    private PatternParser(string pattern) => this.pattern = pattern;

    /// <exception cref="PatternException">The pattern is broken or uses what is not supported: which, and at which character.</exception>
    public static PatternNode Parse(string pattern)
    {
        var parser = new PatternParser(pattern);
        var node = parser.Alternatives();
        return parser.at < pattern.Length ? throw parser.Wrong("unmatched ')'") : node;
    }

    private bool More => at < pattern.Length;

    private PatternException Wrong(string what) => new($"the pattern is wrong at character {at}: {what}");

    private PatternNode Alternatives()
    {
        if (++depth > DeepestNesting) throw Wrong($"groups are nested more than {DeepestNesting} deep");
        var (caseBefore, dotBefore, extendedBefore) = (ignoreCase, dotAll, extended);
        var options = new List<PatternNode> { Sequence() };
        while (More && pattern[at] == '|')
        {
            at++;
            options.Add(Sequence());
        }
        (ignoreCase, dotAll, extended) = (caseBefore, dotBefore, extendedBefore);
        depth--;
        return options.Count == 1 ? options[0] : new PatternNode.Alternation(options);
    }

    private PatternNode Sequence()
    {
        var parts = new List<PatternNode>();
        while (More && pattern[at] is not ('|' or ')'))
        {
            if (extended && SkipExtended()) continue;
            var atom = Atom();
            if (atom is not null) parts.Add(Quantified(atom));
        }
        return parts.Count == 1 ? parts[0] : new PatternNode.Concatenation(parts);
    }

    private bool SkipExtended()
    {
        if (char.IsWhiteSpace(pattern[at]))
        {
            at++;
            return true;
        }
        if (pattern[at] != '#') return false;
        while (More && pattern[at] != '\n') at++;
        return true;
    }

    private PatternNode Quantified(PatternNode atom)
    {
        while (More)
        {
            int min, max;
            bool interval = false;
            switch (pattern[at])
            {
                case '*': (min, max) = (0, -1); at++; break;
                case '+': (min, max) = (1, -1); at++; break;
                case '?': (min, max) = (0, 1); at++; break;
                case '{' when Interval(out min, out max): interval = true; break;
                default: return atom;
            }
            if (atom is PatternNode.Anchor) throw Wrong("nothing to repeat");
            char next = More ? pattern[at] : '\0';
            if (next == '?' && !(interval && min == max))
            {
                at++;
                atom = new PatternNode.Repeat(atom, min, max, Lazy: true);
            }
            else if (next == '+' && !interval)
            {
                at++;
                atom = new PatternNode.Atomic(new PatternNode.Repeat(atom, min, max, Lazy: false));
            }
            else
                atom = new PatternNode.Repeat(atom, min, max, Lazy: false);
        }
        return atom;
    }

    /// <summary>{n}, {n,}, {,m}, {n,m}; anything else is a brace.</summary>
    private bool Interval(out int min, out int max)
    {
        (min, max) = (0, -1);
        int i = at + 1, start = i;
        int? Number()
        {
            int from = i;
            while (i < pattern.Length && char.IsAsciiDigit(pattern[i])) i++;
            if (i == from) return null;
            return int.TryParse(pattern.AsSpan(from, i - from), NumberStyles.None, CultureInfo.InvariantCulture, out int n) && n <= 100000 ? n : throw Wrong("a repeat count above 100000");
        }
        int? low = Number();
        bool comma = i < pattern.Length && pattern[i] == ',';
        if (comma) i++;
        int? high = comma ? Number() : low;
        if (i >= pattern.Length || pattern[i] != '}' || i == start || low is null && high is null) return false;
        (min, max) = (low ?? 0, high ?? -1);
        if (max >= 0 && min > max) throw Wrong("an interval whose end lies before its start");
        at = i + 1;
        return true;
    }

    private PatternNode? Atom()
    {
        int c = Next();
        switch (c)
        {
            case '(': return Group();
            case '[': return new PatternNode.One(new CharSet(new CharClassParser(this).Class()));
            case '.': return new PatternNode.One(dotAll ? CharSet.Everything : new CharSet(x => x != '\n'));
            case '^': return new PatternNode.Anchor(AnchorKind.LineStart);
            case '$': return new PatternNode.Anchor(AnchorKind.LineEnd);
            case '*' or '+' or '?': at--; throw Wrong("nothing to repeat");
            case '\\': return Escape();
            default: return Literal(c);
        }
    }

    private PatternNode.One Literal(int c)
    {
        if (!ignoreCase) return new PatternNode.One(CharSet.Of(c), c);
        int[] same = CaseMapping.SameFold(c, stackalloc int[1]).ToArray();
        return same.Length == 1 ? new PatternNode.One(CharSet.Of(c), c) : new PatternNode.One(new CharSet(x => Array.IndexOf(same, x) >= 0));
    }

    /// <summary>The rule, widened to other cases of its members where the pattern ignores case. Negation comes after.</summary>
    internal Func<int, bool> Folded(Func<int, bool> rule)
    {
        if (!ignoreCase) return rule;
        return c =>
        {
            if (rule(c)) return true;
            foreach (int other in CaseMapping.SameFold(c, stackalloc int[1]))
                if (rule(other)) return true;
            return false;
        };
    }

    private PatternNode? Group()
    {
        if (!More) throw Wrong("unmatched '('");
        if (pattern[at] != '?') return Close(Alternatives());
        at++;
        int c = Next();
        switch (c)
        {
            case '#':
                while (More && pattern[at] != ')') at++;
                Expect(')');
                return null;
            case ':': return Close(Alternatives());
            case '>': return new PatternNode.Atomic(Close(Alternatives()));
            case '=': return new PatternNode.Look(Close(Alternatives()), Behind: false, Negative: false);
            case '!': return new PatternNode.Look(Close(Alternatives()), Behind: false, Negative: true);
            case '<' when More && pattern[at] is '=' or '!':
                bool negative = Next() == '!';
                return new PatternNode.Look(Close(Alternatives()), Behind: true, negative);
            case '<' or '\'':
                while (More && pattern[at] is not ('>' or '\'')) at++;
                at++;
                return Close(Alternatives());
            default:
                at--;
                return Options();
        }
    }

    /// <summary>(?imx-imx) for the rest of the group, (?imx-imx:…) for a group of its own.</summary>
    private PatternNode? Options()
    {
        var (caseBefore, dotBefore, extendedBefore) = (ignoreCase, dotAll, extended);
        bool on = true;
        while (true)
        {
            int c = Next();
            switch (c)
            {
                case '-': on = false; break;
                case 'i': ignoreCase = on; break;
                case 'm': dotAll = on; break;
                case 'x': extended = on; break;
                // An option alone in a group holds to the group's end, past the bars that follow: they split what comes after it.
                case ')': return Alternatives();
                case ':':
                    var body = Close(Alternatives());
                    (ignoreCase, dotAll, extended) = (caseBefore, dotBefore, extendedBefore);
                    return body;
                default:
                    at--;
                    throw Wrong($"the group option '{Show(c)}' is not supported");
            }
        }
    }

    private PatternNode Close(PatternNode body)
    {
        Expect(')');
        return body;
    }

    private void Expect(char c)
    {
        if (!More || pattern[at] != c) throw Wrong($"'{c}' is missing");
        at++;
    }

    private PatternNode Escape()
    {
        if (!More) throw Wrong("a backslash at the end");
        switch (pattern[at])
        {
            case 'A': at++; return new PatternNode.Anchor(AnchorKind.TextStart);
            case 'z': at++; return new PatternNode.Anchor(AnchorKind.TextEnd);
            case 'Z': at++; return new PatternNode.Anchor(AnchorKind.TextEndOrLastNewline);
            case 'b': at++; return new PatternNode.Anchor(AnchorKind.WordBoundary);
            case 'B': at++; return new PatternNode.Anchor(AnchorKind.NotWordBoundary);
            case 'G': at++; return new PatternNode.Anchor(AnchorKind.SearchStart);
            case 'N': at++; return new PatternNode.One(new CharSet(x => x != '\n'));
            case 'O': at++; return new PatternNode.One(CharSet.Everything);
            case 'R':
                at++;
                return new PatternNode.Atomic(new PatternNode.Alternation(
                [
                    new PatternNode.Concatenation([new PatternNode.One(CharSet.Of('\r')), new PatternNode.One(CharSet.Of('\n'))]),
                    new PatternNode.One(new CharSet(x => x is (>= 10 and <= 13) or 0x85 or 0x2028 or 0x2029)),
                ]));
            case 'K' or 'X' or 'Y' or 'y' or 'g' or 'k' or (>= '1' and <= '9'):
                throw Wrong($"'\\{pattern[at]}' is not supported");
        }
        if (ClassEscape(inClass: false) is { } rule) return new PatternNode.One(new CharSet(rule));
        return Literal(CharacterEscape());
    }

    /// <summary>After a backslash: \d \w \s \h and their negations, \p{…}; null if it is a character. Case is not folded here: only what a bracketed class collects is.</summary>
    internal Func<int, bool>? ClassEscape(bool inClass)
    {
        switch (pattern[at])
        {
            case 'd': at++; return CharacterClasses.IsDecimalDigit;
            case 'D': at++; return c => !CharacterClasses.IsDecimalDigit(c);
            case 'w': at++; return Word(inClass);
            case 'W': at++; return Word(inClass) is var word ? c => !word(c) : null;
            case 's': at++; return CharacterClasses.IsSpace;
            case 'S': at++; return c => !CharacterClasses.IsSpace(c);
            case 'h': at++; return c => c < 0x80 && char.IsAsciiHexDigit((char)c);
            case 'H': at++; return c => !(c < 0x80 && char.IsAsciiHexDigit((char)c));
            case 'p' or 'P':
                bool negative = pattern[at++] == 'P';
                if (!More || pattern[at] != '{') throw Wrong("'{' is missing after \\p");
                int close = pattern.IndexOf('}', at);
                if (close < 0) throw Wrong("'}' is missing after \\p{");
                string name = pattern[(at + 1)..close];
                if (name.StartsWith('^'))
                {
                    negative = !negative;
                    name = name[1..];
                }
                var rule = string.Equals(name, "word", StringComparison.OrdinalIgnoreCase) ? Word(inClass) : CharacterProperties.Named(name) ?? throw Wrong($"the property '{name}' is not known");
                at = close + 1;
                return negative ? c => !rule(c) : rule;
            default: return null;
        }
    }

    /// <summary>Outside brackets superscript digits and fractions of Latin-1 are word characters too: there Oniguruma asks another table.</summary>
    private static Func<int, bool> Word(bool inClass) =>
        inClass ? CharacterClasses.IsWord : c => CharacterClasses.IsWord(c) || c is 0xB2 or 0xB3 or 0xB9 or (>= 0xBC and <= 0xBE);

    /// <summary>After a backslash: the code point that it stands for.</summary>
    internal int CharacterEscape()
    {
        int c = Next();
        switch (c)
        {
            case 't': return '\t';
            case 'n': return '\n';
            case 'r': return '\r';
            case 'f': return '\f';
            case 'v': return '\v';
            case 'a': return 7;
            case 'e': return 27;
            case '0': return Digits(8, 2, atLeast: 0);
            case 'u': return Digits(16, 4, atLeast: 4);
            case 'x' when More && pattern[at] == '{':
                at++;
                int value = Digits(16, 8, atLeast: 1);
                Expect('}');
                return value;
            case 'x': return Digits(16, 2, atLeast: 0);
            case 'c' or 'C' or 'M': throw Wrong($"'\\{(char)c}' is not supported");
            default: return c;
        }
    }

    private int Digits(int radix, int atMost, int atLeast)
    {
        long value = 0;
        int count = 0;
        while (count < atMost && More && char.IsAsciiHexDigit(pattern[at]) && Convert.ToInt32(pattern[at].ToString(), 16) is var digit && digit < radix)
        {
            value = value * radix + digit;
            at++;
            count++;
        }
        if (count < atLeast) throw Wrong($"{atLeast} digits are wanted");
        return value <= 0x10FFFF ? (int)value : throw Wrong("a code point above 10FFFF");
    }

    internal bool Ended => !More;

    internal char Peek => pattern[at];

    internal int Position => at;

    internal string Source => pattern;

    internal void Skip(int characters) => at += characters;

    internal PatternException Fault(string what) => Wrong(what);

    internal int Next()
    {
        if (!More) throw Wrong("the pattern ends too soon");
        int c = CodePoints.At(pattern, at, out int units);
        at += units;
        return c;
    }

    private static string Show(int c) => c < 0x10000 ? ((char)c).ToString() : char.ConvertFromUtf32(c);
}
