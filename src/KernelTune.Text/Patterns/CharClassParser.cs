using KernelTune.Text.Unicode;

namespace KernelTune.Text.Patterns;

/// <summary>What stands between brackets: ranges, escapes, POSIX names, classes inside classes, intersections.</summary>
internal sealed class CharClassParser(PatternParser source)
{
    private const int DeepestNesting = 50;
    private int depth;

    /// <summary>The class after its opening bracket, the closing one included.</summary>
    public Func<int, bool> Class()
    {
        if (++depth > DeepestNesting) throw source.Fault($"classes are nested more than {DeepestNesting} deep");
        bool negative = !source.Ended && source.Peek == '^';
        if (negative) source.Skip(1);
        var whole = new List<Func<int, bool>>();      // the operands of &&
        var ranges = new List<(int First, int Last)>();
        var rules = new List<Func<int, bool>>();
        bool first = true;
        while (true)
        {
            if (source.Ended) throw source.Fault("']' is missing");
            if (source.Peek == ']' && !first)
            {
                source.Skip(1);
                break;
            }
            first = false;
            if (string.CompareOrdinal(source.Source, source.Position, "&&", 0, 2) == 0)
            {
                source.Skip(2);
                whole.Add(Any(ranges, rules));
                (ranges, rules) = ([], []);
                continue;
            }
            if (Item(rules) is not { } low) continue;
            if (RangeFollows())
            {
                source.Skip(1);
                int high = Item(rules) ?? throw source.Fault("a range that ends in a class");
                if (high < low) throw source.Fault("a range whose end lies before its start");
                ranges.Add((low, high));
            }
            else
                ranges.Add((low, low));
        }
        depth--;
        var all = Any(ranges, rules);
        foreach (var operand in whole)
        {
            var before = all;
            all = c => operand(c) && before(c);
        }
        all = source.Folded(all);
        return negative ? c => !all(c) : all;
    }

    private bool RangeFollows() =>
        source.Position + 1 < source.Source.Length && source.Peek == '-' && source.Source[source.Position + 1] != ']';

    /// <summary>One member: a code point, or null after adding a class to <paramref name="rules"/>.</summary>
    private int? Item(List<Func<int, bool>> rules)
    {
        char c = source.Peek;
        if (c == '[')
        {
            if (Posix() is { } posix)
            {
                rules.Add(posix);
                return null;
            }
            source.Skip(1);
            rules.Add(Class());
            return null;
        }
        if (c != '\\') return source.Next();
        source.Skip(1);
        if (source.Ended) throw source.Fault("a backslash at the end");
        if (source.Peek == 'b')
        {
            source.Skip(1);
            return '\b';
        }
        if (source.ClassEscape(inClass: true) is { } rule)
        {
            rules.Add(rule);
            return null;
        }
        return source.CharacterEscape();
    }

    /// <summary>[:name:] or [:^name:].</summary>
    private Func<int, bool>? Posix()
    {
        string text = source.Source;
        int start = source.Position;
        if (start + 1 >= text.Length || text[start + 1] != ':') return null;
        int close = text.IndexOf(":]", start + 2, StringComparison.Ordinal);
        if (close < 0) return null;
        bool negative = text[start + 2] == '^';
        string name = text[(start + (negative ? 3 : 2))..close];
        if (name.Length == 0 || !name.All(char.IsAsciiLetter)) return null;
        var rule = CharacterProperties.Named(name, posix: true) ?? throw source.Fault($"the class '[:{name}:]' is not known");
        source.Skip(close + 2 - start);
        return negative ? c => !rule(c) : rule;
    }

    private static Func<int, bool> Any(List<(int First, int Last)> ranges, List<Func<int, bool>> rules)
    {
        var (points, classes) = (ranges.ToArray(), rules.ToArray());
        return c =>
        {
            foreach (var (first, last) in points)
                if (c >= first && c <= last) return true;
            foreach (var rule in classes)
                if (rule(c)) return true;
            return false;
        };
    }
}
