using System.Runtime.CompilerServices;

namespace KernelTune.Text.Jinja.Syntax;

/// <summary>The tokens under the parser's hand, and its guard against nesting too deep for the stack.</summary>
internal sealed class TokenStream(List<Token> tokens, int maxDepth)
{
    private int _at;
    private int _depth;

    public Token Current => tokens[_at];

    public Token Look() => tokens[Math.Min(_at + 1, tokens.Count - 1)];

    public Token Next()
    {
        Token token = tokens[_at];
        if (_at < tokens.Count - 1) _at++;
        return token;
    }

    public bool SkipName(string name)
    {
        if (!Current.IsName(name)) return false;
        Next();
        return true;
    }

    public bool SkipOperator(string op)
    {
        if (!Current.IsOperator(op)) return false;
        Next();
        return true;
    }

    public Token Expect(TokenKind kind)
    {
        if (Current.Kind != kind) throw Unexpected(new Token(kind, kind == TokenKind.Name ? "name" : "", 0).Description);
        return Next();
    }

    public Token ExpectName(string name)
    {
        if (!Current.IsName(name)) throw Unexpected(name);
        return Next();
    }

    public Token ExpectOperator(string op)
    {
        if (!Current.IsOperator(op)) throw Unexpected(op);
        return Next();
    }

    public void Enter()
    {
        if (++_depth > maxDepth || !RuntimeHelpers.TryEnsureSufficientExecutionStack())
            throw new TemplateException(TemplateErrorKind.Limit, $"more than {maxDepth} levels of nesting", Current.Line);
    }

    public void Leave() => _depth--;

    public static TemplateException Fail(string message, int line) => new(TemplateErrorKind.Syntax, message, line);

    private TemplateException Unexpected(string wanted) => Current.Kind == TokenKind.End
        ? Fail($"unexpected end of template, expected '{wanted}'.", Current.Line)
        : Fail($"expected token '{wanted}', got '{Current.Description}'", Current.Line);
}
