using System.Text;
using KernelTune.Text.Jinja.Python;

namespace KernelTune.Text.Jinja.Syntax;

/// <summary>
/// Cuts a template into tokens by Jinja's rules with trim_blocks and lstrip_blocks: a newline after a block or comment is dropped, blanks
/// before a block or comment alone on its line too, <c>-</c> strips all white space, <c>+</c> keeps it, one newline at the end is dropped.
/// </summary>
internal sealed class Lexer
{
    private readonly string _s;
    private readonly List<Token> _tokens = [];
    private int _pos;
    private int _line = 1;
    private bool _lineStarting = true;

    private Lexer(string source) => _s = source;

    /// <exception cref="TemplateException">An unclosed comment, raw block, string or bracket, or a stray character.</exception>
    public static List<Token> Tokenize(string source)
    {
        string text = NormalizeNewlines(source);
        if (text.EndsWith('\n')) text = text[..^1];
        var lexer = new Lexer(text);
        lexer.Root();
        lexer._tokens.Add(new Token(TokenKind.End, "", lexer._line));
        return lexer._tokens;
    }

    private static string NormalizeNewlines(string text) =>
        text.Contains('\r') ? text.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n') : text;

    private void Root()
    {
        while (_pos < _s.Length)
        {
            int at = NextTag(_pos);
            if (at < 0)
            {
                Data(_s[_pos..]);
                _pos = _s.Length;
                return;
            }

            char kind = _s[at + 1];
            int after = at + 2;
            char sign = after < _s.Length && _s[after] is '-' or '+' ? _s[after] : '\0';
            string text = StripBefore(_s[_pos..at], sign, variable: kind == '{');
            Data(text);
            _line += CountLines(_s, _pos + text.Length, at);       // lines of the white space that was stripped
            if (sign != '\0') after++;
            _pos = after;
            switch (kind)
            {
                case '#':
                    Comment();
                    break;
                case '%' when RawBegin(at) is int body and >= 0:
                    Raw(body);
                    break;
                case '%':
                    _tokens.Add(new Token(TokenKind.BlockBegin, "{%", _line));
                    Tag(block: true);
                    break;
                default:
                    _tokens.Add(new Token(TokenKind.VariableBegin, "{{", _line));
                    Tag(block: false);
                    break;
            }
        }
    }

    private int NextTag(int from)
    {
        for (int i = from; i + 1 < _s.Length; i++)
            if (_s[i] == '{' && _s[i + 1] is '{' or '%' or '#')
                return i;
        return -1;
    }

    private void Data(string text)
    {
        if (text.Length == 0) return;
        _tokens.Add(new Token(TokenKind.Data, text, _line));
        _line += CountLines(text, 0, text.Length);
    }

    private string StripBefore(string text, char sign, bool variable)
    {
        if (sign == '-') return text.TrimEnd(Characters.WhiteSpace);
        if (sign == '+' || variable) return text;
        int lineStart = text.LastIndexOf('\n') + 1;
        if (lineStart == 0 && !_lineStarting) return text;
        for (int i = lineStart; i < text.Length; i++)
            if (!Characters.IsSpace(text[i]))
                return text;
        return text[..lineStart];
    }

    private static int CountLines(string text, int from, int to)
    {
        int n = 0;
        for (int i = from; i < to; i++)
            if (text[i] == '\n') n++;
        return n;
    }

    /// <summary>Ends a block, comment or raw tag at its closing mark, which stands at _pos (after an optional sign).</summary>
    private void EndTag(char sign, int markLength, bool trimNewline)
    {
        int start = _pos;
        _pos += markLength + (sign == '\0' ? 0 : 1);
        if (sign == '-')
        {
            while (_pos < _s.Length && Characters.IsSpace(_s[_pos])) _pos++;
        }
        else if (sign == '\0' && trimNewline && _pos < _s.Length && _s[_pos] == '\n')
        {
            _pos++;
        }

        _line += CountLines(_s, start, _pos);
        _lineStarting = _s[_pos - 1] == '\n';
    }

    private void Comment()
    {
        int end = _s.IndexOf("#}", _pos, StringComparison.Ordinal);
        if (end < 0) throw Syntax("Missing end of comment tag");
        char sign = end > _pos && _s[end - 1] is '-' or '+' ? _s[end - 1] : '\0';
        if (sign != '\0') end--;
        _line += CountLines(_s, _pos, end);
        _pos = end;
        EndTag(sign, 2, trimNewline: true);
    }

    /// <summary>The position after <c>{% raw %}</c> if one begins at <paramref name="at"/>, or -1.</summary>
    private int RawBegin(int at)
    {
        int i = at + 2;
        if (i < _s.Length && _s[i] is '-' or '+') i++;
        i = SkipSpace(i);
        if (string.CompareOrdinal(_s, i, "raw", 0, 3) != 0) return -1;
        i = SkipSpace(i + 3);
        if (string.CompareOrdinal(_s, i, "-%}", 0, 3) == 0) return SkipSpace(i + 3);
        return string.CompareOrdinal(_s, i, "%}", 0, 2) == 0 ? i + 2 : -1;
    }

    private int SkipSpace(int i)
    {
        while (i < _s.Length && Characters.IsSpace(_s[i])) i++;
        return i;
    }

    private void Raw(int body)
    {
        int begun = _line;
        _line += CountLines(_s, _pos, body);
        _pos = body;
        _lineStarting = _s[body - 1] == '\n';
        for (int at = _s.IndexOf("{%", body, StringComparison.Ordinal); at >= 0; at = _s.IndexOf("{%", at + 2, StringComparison.Ordinal))
        {
            int i = at + 2;
            char sign = i < _s.Length && _s[i] is '-' or '+' ? _s[i++] : '\0';
            i = SkipSpace(i);
            if (string.CompareOrdinal(_s, i, "endraw", 0, 6) != 0) continue;
            i = SkipSpace(i + 6);
            char endSign = i < _s.Length && _s[i] is '-' or '+' ? _s[i] : '\0';
            if (string.CompareOrdinal(_s, i + (endSign == '\0' ? 0 : 1), "%}", 0, 2) != 0) continue;
            string text = StripBefore(_s[body..at], sign, variable: false);
            Data(text);
            _line += CountLines(_s, body + text.Length, i);
            _pos = i;
            EndTag(endSign, 2, trimNewline: true);
            return;
        }

        throw new TemplateException(TemplateErrorKind.Syntax, "Missing end of raw directive", begun);
    }

    /// <summary>The tokens between <c>{%</c> and <c>%}</c>, or between <c>{{</c> and <c>}}</c>.</summary>
    private void Tag(bool block)
    {
        var open = new Stack<char>();
        string mark = block ? "%}" : "}}";
        while (true)
        {
            if (_pos >= _s.Length) return;       // the parser says what is missing
            if (open.Count == 0)
            {
                char sign = _s[_pos] == '-' || (block && _s[_pos] == '+') ? _s[_pos] : '\0';
                if (string.CompareOrdinal(_s, _pos + (sign == '\0' ? 0 : 1), mark, 0, 2) == 0)
                {
                    _tokens.Add(new Token(block ? TokenKind.BlockEnd : TokenKind.VariableEnd, mark, _line));
                    EndTag(sign, 2, trimNewline: block);
                    return;
                }
            }

            char c = _s[_pos];
            if (Characters.IsSpace(c))
            {
                if (c == '\n') _line++;
                _pos++;
            }
            else if (char.IsAsciiDigit(c)) Number();
            else if (c is '\'' or '"') String(c);
            else if (Characters.IsWordAt(_s, _pos)) Name();
            else Operator(open);
        }
    }

    private void Name()
    {
        int start = _pos;
        while (_pos < _s.Length && Characters.IsWordAt(_s, _pos)) _pos += char.IsHighSurrogate(_s[_pos]) ? 2 : 1;
        _tokens.Add(new Token(TokenKind.Name, _s[start.._pos], _line));
    }

    private int Digits(int i)
    {
        if (i >= _s.Length || !char.IsAsciiDigit(_s[i])) return i;
        while (i < _s.Length && (char.IsAsciiDigit(_s[i]) || (_s[i] == '_' && i + 1 < _s.Length && char.IsAsciiDigit(_s[i + 1])))) i++;
        return i;
    }

    private void Number()
    {
        int start = _pos;
        int whole = Digits(start);
        bool afterDot = start > 0 && _s[start - 1] == '.';
        if (!afterDot)
        {
            int end = whole;
            if (end + 1 < _s.Length && _s[end] == '.' && char.IsAsciiDigit(_s[end + 1])) end = Digits(end + 1);
            if (end < _s.Length && _s[end] is 'e' or 'E')
            {
                int e = end + 1;
                if (e < _s.Length && _s[e] is '+' or '-') e++;
                if (e < _s.Length && char.IsAsciiDigit(_s[e])) end = Digits(e);
            }

            if (end > whole)
            {
                _pos = end;
                _tokens.Add(new Token(TokenKind.Float, _s[start..end].Replace("_", "", StringComparison.Ordinal), _line));
                return;
            }
        }

        int stop = IntegerEnd(start);
        _pos = stop;
        _tokens.Add(new Token(TokenKind.Integer, _s[start..stop].Replace("_", "", StringComparison.Ordinal).ToLowerInvariant(), _line));
    }

    private int IntegerEnd(int start)
    {
        if (_s[start] != '0') return Digits(start);
        char radix = start + 1 < _s.Length ? char.ToLowerInvariant(_s[start + 1]) : '\0';
        Func<char, bool>? digit = radix switch
        {
            'b' => static c => c is '0' or '1',
            'o' => static c => c is >= '0' and <= '7',
            'x' => char.IsAsciiHexDigit,
            _ => null,
        };
        int i = digit is null ? start + 1 : start + 2;
        int first = i;
        digit ??= static c => c == '0';
        while (i < _s.Length && (digit(_s[i]) || (_s[i] == '_' && i + 1 < _s.Length && digit(_s[i + 1])))) i++;
        return i == first ? start + 1 : i;
    }

    private void String(char quote)
    {
        int i = _pos + 1;
        while (i < _s.Length && _s[i] != quote) i += _s[i] == '\\' ? 2 : 1;
        if (i >= _s.Length) throw Syntax($"unexpected char {Repr.Of(quote.ToString())} at {CodePoints.Count(_s.AsSpan(0, _pos))}");
        string body = _s[(_pos + 1)..i];
        _tokens.Add(new Token(TokenKind.String, Unescape(body), _line));
        _line += CountLines(body, 0, body.Length);
        _pos = i + 1;
    }

    private void Operator(Stack<char> open)
    {
        string op = _pos + 1 < _s.Length && _s.AsSpan(_pos, 2) is "//" or "**" or "==" or "!=" or ">=" or "<=" ? _s.Substring(_pos, 2) : _s[_pos].ToString();
        if (op.Length == 1 && !"+-/*%~[](){}><=.:|,;".Contains(op[0], StringComparison.Ordinal))
            throw Syntax($"unexpected char {Repr.Of(CodePoints.At(_s, _pos))} at {CodePoints.Count(_s.AsSpan(0, _pos))}");
        switch (op[0])
        {
            case '{': open.Push('}'); break;
            case '(': open.Push(')'); break;
            case '[': open.Push(']'); break;
            case '}' or ')' or ']':
                if (open.Count == 0) throw Syntax($"unexpected '{op}'");
                char wanted = open.Pop();
                if (wanted != op[0]) throw Syntax($"unexpected '{op}', expected '{wanted}'");
                break;
        }

        _tokens.Add(new Token(TokenKind.Operator, op, _line));
        _pos += op.Length;
    }

    /// <summary>Python's unicode-escape codec: the named escapes, \ooo, \xhh, \uhhhh, \Uhhhhhhhh; an unknown escape keeps its backslash.</summary>
    private string Unescape(string body)
    {
        if (!body.Contains('\\')) return body;
        var text = new StringBuilder(body.Length);
        for (int i = 0; i < body.Length; i++)
        {
            if (body[i] != '\\')
            {
                text.Append(body[i]);
                continue;
            }

            char c = body[++i];
            switch (c)
            {
                case '\n': break;
                case 'a': text.Append('\a'); break;
                case 'b': text.Append('\b'); break;
                case 'f': text.Append('\f'); break;
                case 'n': text.Append('\n'); break;
                case 'r': text.Append('\r'); break;
                case 't': text.Append('\t'); break;
                case 'v': text.Append('\v'); break;
                case '\\' or '\'' or '"': text.Append(c); break;
                case 'x': i = Hex(body, i, 2, text); break;
                case 'u': i = Hex(body, i, 4, text); break;
                case 'U': i = Hex(body, i, 8, text); break;
                case 'N': throw Syntax("named characters (\\N{…}) are not supported");
                case >= '0' and <= '7':
                    int value = 0;
                    int end = Math.Min(i + 3, body.Length);
                    for (; i < end && body[i] is >= '0' and <= '7'; i++) value = (value * 8) + (body[i] - '0');
                    i--;
                    text.Append((char)value);
                    break;
                default:
                    text.Append('\\').Append(c);
                    break;
            }
        }

        return text.ToString();
    }

    private int Hex(string body, int i, int digits, StringBuilder text)
    {
        uint value = 0;
        for (int k = 1; k <= digits; k++)
        {
            if (i + k >= body.Length || !char.IsAsciiHexDigit(body[i + k]))
                throw Syntax($"truncated \\{body[i]}{new string('X', digits)} escape");
            value = (value << 4) | Convert.ToUInt32(body[i + k].ToString(), 16);
        }

        if (value > 0x10FFFF) throw Syntax("illegal Unicode character");
        if (value <= 0xFFFF) text.Append((char)value);
        else text.Append(char.ConvertFromUtf32((int)value));
        return i + digits;
    }

    private TemplateException Syntax(string message) => new(TemplateErrorKind.Syntax, message, _line);
}
