namespace KernelTune.Text.Jinja.Syntax;

/// <summary>Statements and the text between them, into a tree. It knows the tags of Jinja, its loop controls, and <c>generation</c>.</summary>
internal sealed class Parser
{
    private readonly TokenStream _stream;
    private readonly ExpressionParser _expressions;
    private readonly Stack<string> _tags = new();
    private readonly Stack<string[]> _ends = new();
    private int _loops;

    private Parser(List<Token> tokens, int maxDepth)
    {
        _stream = new TokenStream(tokens, maxDepth);
        _expressions = new ExpressionParser(_stream);
    }

    /// <exception cref="TemplateException">The template is not well formed.</exception>
    public static IReadOnlyList<Statement> Parse(string source, int maxDepth)
    {
        var parser = new Parser(Lexer.Tokenize(source), maxDepth);
        return parser.Body(null);
    }

    private List<Statement> Body(string[]? ends)
    {
        var body = new List<Statement>();
        var parts = new List<OutputPart>();
        int line = 0;
        void Flush()
        {
            if (parts.Count > 0) body.Add(new Output(parts.ToArray(), line));
            parts.Clear();
        }

        if (ends is not null) _ends.Push(ends);
        _stream.Enter();
        while (_stream.Current.Kind != TokenKind.End)
        {
            Token token = _stream.Current;
            if (parts.Count == 0) line = token.Line;
            if (token.Kind == TokenKind.Data)
            {
                parts.Add(new OutputPart(token.Text, null));
                _stream.Next();
            }
            else if (token.Kind == TokenKind.VariableBegin)
            {
                _stream.Next();
                parts.Add(new OutputPart(null, _expressions.Tuple()));
                _stream.Expect(TokenKind.VariableEnd);
            }
            else
            {
                Flush();
                _stream.Expect(TokenKind.BlockBegin);
                if (ends is not null && _stream.Current.Kind == TokenKind.Name && ends.Contains(_stream.Current.Text)) break;
                body.Add(Statement());
                _stream.Expect(TokenKind.BlockEnd);
            }
        }

        Flush();
        if (ends is not null)
        {
            if (_stream.Current.Kind == TokenKind.End) throw Unfinished(null, _stream.Current.Line);
            _ends.Pop();
        }

        _stream.Leave();
        return body;
    }

    /// <summary>A tag's body up to one of <paramref name="ends"/>, which becomes the current token.</summary>
    private List<Statement> TagBody(params string[] ends)
    {
        _stream.SkipOperator(":");
        _stream.Expect(TokenKind.BlockEnd);
        return Body(ends);
    }

    private List<Statement> TagBodyTo(string end)
    {
        List<Statement> body = TagBody(end);
        _stream.Next();
        return body;
    }

    private Statement Statement()
    {
        Token tag = _stream.Current;
        if (tag.Kind != TokenKind.Name) throw TokenStream.Fail("tag name expected", tag.Line);
        _tags.Push(tag.Text);
        Statement statement = tag.Text switch
        {
            "for" => For(),
            "if" => If(),
            "set" => Set(),
            "macro" => Macro(),
            "call" => CallBlock(),
            "filter" => FilterBlock(),
            "with" => With(),
            "print" => Print(),
            "block" => Block(),
            "autoescape" => AutoEscape(),
            "generation" => new Generation(TagBodyAfterName("endgeneration"), tag.Line),
            "break" or "continue" => LoopControl(),
            "include" or "import" or "from" or "extends" => Load(),
            _ => throw UnknownTag(tag),
        };
        _tags.Pop();
        return statement;
    }

    private Statement LoopControl()
    {
        Token word = _stream.Next();
        if (_loops == 0) throw TokenStream.Fail($"'{word.Text}' outside loop", word.Line);
        return word.Text == "break" ? new Break(word.Line) : new Continue(word.Line);
    }

    private TemplateException UnknownTag(Token tag)
    {
        _tags.Pop();
        return Unfinished(tag.Text, tag.Line);
    }

    private List<Statement> TagBodyAfterName(string end)
    {
        _stream.Next();
        return TagBodyTo(end);
    }

    private For For()
    {
        int line = _stream.Next().Line;
        Expression target = Target(end: "in");
        _stream.ExpectName("in");
        Expression items = _expressions.Tuple(conditional: false, end: "recursive");
        Expression? condition = _stream.SkipName("if") ? _expressions.Expression() : null;
        bool recursive = _stream.SkipName("recursive");
        _loops++;
        List<Statement> body = TagBody("endfor", "else");
        _loops--;
        List<Statement> otherwise = _stream.Next().Text == "else" ? TagBodyTo("endfor") : [];
        return new For(target, items, condition, recursive, body, otherwise, line);
    }

    private If If()
    {
        int line = _stream.Next().Line;
        Expression condition = _expressions.Tuple(conditional: false);
        List<Statement> then = TagBody("elif", "else", "endif");
        var elseIf = new List<(Expression, IReadOnlyList<Statement>)>();
        List<Statement> otherwise = [];
        while (true)
        {
            string word = _stream.Next().Text;
            if (word == "elif")
            {
                Expression test = _expressions.Tuple(conditional: false);
                elseIf.Add((test, TagBody("elif", "else", "endif")));
                continue;
            }

            if (word == "else") otherwise = TagBodyTo("endif");
            return new If(condition, then, elseIf, otherwise, line);
        }
    }

    private Statement Set()
    {
        int line = _stream.Next().Line;
        Expression target = Target(namespaces: true);
        if (_stream.SkipOperator("=")) return new Assign(target, _expressions.Tuple(), line);
        Filter? filter = _expressions.FilterChain(null);
        return new AssignBlock(target, filter, TagBodyTo("endset"), line);
    }

    private Signature Signature()
    {
        var names = new List<string>();
        var defaults = new List<Expression>();
        _stream.ExpectOperator("(");
        while (!_stream.Current.IsOperator(")"))
        {
            if (names.Count > 0) _stream.ExpectOperator(",");
            Token name = _stream.Expect(TokenKind.Name);
            CheckAssignable(name);
            if (_stream.SkipOperator("=")) defaults.Add(_expressions.Expression());
            else if (defaults.Count > 0) throw TokenStream.Fail("non-default argument follows default argument", name.Line);
            names.Add(name.Text);
        }

        _stream.ExpectOperator(")");
        return new Signature(names, defaults);
    }

    private Macro Macro()
    {
        int line = _stream.Next().Line;
        Token name = _stream.Expect(TokenKind.Name);
        CheckAssignable(name);
        Signature signature = Signature();
        return new Macro(name.Text, signature, FunctionBodyTo("endmacro"), line);
    }

    private CallBlock CallBlock()
    {
        int line = _stream.Next().Line;
        Signature signature = _stream.Current.IsOperator("(") ? Signature() : Syntax.Signature.None;
        if (_expressions.Expression() is not Call call) throw TokenStream.Fail("expected call", line);
        return new CallBlock(signature, call, FunctionBodyTo("endcall"), line);
    }

    /// <summary>The body of a macro or call: the loops around it are not its own.</summary>
    private List<Statement> FunctionBodyTo(string end)
    {
        (int loops, _loops) = (_loops, 0);
        List<Statement> body = TagBodyTo(end);
        _loops = loops;
        return body;
    }

    private FilterBlock FilterBlock()
    {
        int line = _stream.Next().Line;
        Filter filter = _expressions.FilterChain(null, inline: true)!;
        return new FilterBlock(filter, TagBodyTo("endfilter"), line);
    }

    private With With()
    {
        int line = _stream.Next().Line;
        var bindings = new List<(Expression, Expression)>();
        while (_stream.Current.Kind != TokenKind.BlockEnd)
        {
            if (bindings.Count > 0) _stream.ExpectOperator(",");
            Expression target = Target();
            _stream.ExpectOperator("=");
            bindings.Add((target, _expressions.Expression()));
        }

        return new With(bindings, TagBodyTo("endwith"), line);
    }

    private Output Print()
    {
        int line = _stream.Next().Line;
        var parts = new List<OutputPart>();
        while (_stream.Current.Kind != TokenKind.BlockEnd)
        {
            if (parts.Count > 0) _stream.ExpectOperator(",");
            parts.Add(new OutputPart(null, _expressions.Expression()));
        }

        return new Output(parts, line);
    }

    private Block Block()
    {
        int line = _stream.Next().Line;
        string name = _stream.Expect(TokenKind.Name).Text;
        bool scoped = _stream.SkipName("scoped");
        _stream.SkipName("required");
        if (_stream.Current.IsOperator("-"))
            throw TokenStream.Fail("Block names in Jinja have to be valid Python identifiers and may not contain hyphens, use an underscore instead.", line);
        List<Statement> body = TagBodyTo("endblock");
        _stream.SkipName(name);
        return new Block(name, body, scoped, line);
    }

    private AutoEscape AutoEscape()
    {
        int line = _stream.Next().Line;
        Expression value = _expressions.Expression();
        return new AutoEscape(value, TagBodyTo("endautoescape"), line);
    }

    private Load Load()
    {
        Token tag = _stream.Next();
        while (_stream.Current.Kind is not (TokenKind.BlockEnd or TokenKind.End)) _stream.Next();
        return new Load(tag.Text, tag.Line);
    }

    private Expression Target(string? end = null, bool namespaces = false)
    {
        Expression target = _expressions.Tuple(end: end, targets: true, namespaces: namespaces);
        Check(target);
        return target;
    }

    private static void Check(Expression target)
    {
        switch (target)
        {
            case Name or NamespaceReference: return;
            case TupleDisplay tuple:
                foreach (Expression item in tuple.Items) Check(item);
                return;
            default:
                string what = target switch { ListDisplay => "list", DictDisplay => "dict", _ => "const" };
                throw TokenStream.Fail($"can't assign to '{what}'", target.Line);
        }
    }

    private static void CheckAssignable(Token name)
    {
        if (name.Text is "true" or "false" or "none" or "True" or "False" or "None") throw TokenStream.Fail("can't assign to 'const'", name.Line);
    }

    /// <summary>The error for a tag that nobody waits for, or (null) for the end of the template inside a tag.</summary>
    private TemplateException Unfinished(string? tag, int line)
    {
        string message = tag is null ? "Unexpected end of template." : $"Encountered unknown tag '{tag}'.";
        if (_ends.TryPeek(out string[]? ends))
        {
            string looking = string.Join(" or ", ends.Select(e => $"'{e}'"));
            message += tag is not null && _ends.Any(e => e.Contains(tag))
                ? $" You probably made a nesting mistake. Jinja is expecting this tag, but currently looking for {looking}."
                : $" Jinja was looking for the following tags: {looking}.";
        }

        if (_tags.TryPeek(out string? open)) message += $" The innermost block that needs to be closed is '{open}'.";
        return TokenStream.Fail(message, line);
    }
}
