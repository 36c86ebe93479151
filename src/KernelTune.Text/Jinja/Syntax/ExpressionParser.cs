using System.Globalization;
using System.Numerics;
using KernelTune.Text.Jinja.Values;

namespace KernelTune.Text.Jinja.Syntax;

/// <summary>
/// Expressions, loosest first: conditional, or, and, not, comparisons, + and -, ~, * / // %, ** (left-associative), sign, postfix, filters and
/// tests. A sign binds tighter than a filter.
/// </summary>
internal sealed class ExpressionParser(TokenStream stream)
{
    public Expression Expression(bool conditional = true)
    {
        stream.Enter();
        try
        {
            return conditional ? Conditional() : Or();
        }
        finally
        {
            stream.Leave();
        }
    }

    /// <summary>An expression, or a tuple where commas follow. <paramref name="end"/> names a word that ends it, such as "in".</summary>
    public Expression Tuple(bool conditional = true, string? end = null, bool parenthesized = false, bool targets = false, bool namespaces = false)
    {
        int line = stream.Current.Line;
        var items = new List<Expression>();
        bool tuple = false;
        while (true)
        {
            if (items.Count > 0) stream.ExpectOperator(",");
            if (stream.Current.Kind is TokenKind.VariableEnd or TokenKind.BlockEnd || stream.Current.IsOperator(")") || (end is not null && stream.Current.IsName(end))) break;
            items.Add(targets ? Primary(namespaces) : Expression(conditional));
            if (!stream.Current.IsOperator(",")) break;
            tuple = true;
            line = stream.Current.Line;
        }

        if (!tuple)
        {
            if (items.Count > 0) return items[0];
            if (!parenthesized) throw TokenStream.Fail($"Expected an expression, got '{stream.Current.Description}'", stream.Current.Line);
        }

        return new TupleDisplay(items, line);
    }

    private Expression Conditional()
    {
        int line = stream.Current.Line;
        Expression result = Or();
        while (stream.SkipName("if"))
        {
            Expression condition = Or();
            Expression? otherwise = stream.SkipName("else") ? Expression() : null;
            result = new Conditional(condition, result, otherwise, line);
            line = stream.Current.Line;
        }

        return result;
    }

    private Expression Or()
    {
        int line = stream.Current.Line;
        Expression left = And();
        while (stream.SkipName("or")) left = new Or(left, And(), line);
        return left;
    }

    private Expression And()
    {
        int line = stream.Current.Line;
        Expression left = Not();
        while (stream.SkipName("and")) left = new And(left, Not(), line);
        return left;
    }

    private Expression Not()
    {
        if (!stream.Current.IsName("not")) return Comparison();
        int line = stream.Next().Line;
        stream.Enter();
        Expression operand = Not();
        stream.Leave();
        return new Not(operand, line);
    }

    private Expression Comparison()
    {
        int line = stream.Current.Line;
        Expression first = Sum();
        var rest = new List<(string, Expression)>();
        while (true)
        {
            if (stream.Current.Kind == TokenKind.Operator && stream.Current.Text is "==" or "!=" or "<" or "<=" or ">" or ">=")
            {
                string op = stream.Next().Text;
                rest.Add((op, Sum()));
            }
            else if (stream.SkipName("in"))
            {
                rest.Add(("in", Sum()));
            }
            else if (stream.Current.IsName("not") && stream.Look().IsName("in"))
            {
                stream.Next();
                stream.Next();
                rest.Add(("not in", Sum()));
            }
            else
            {
                return rest.Count == 0 ? first : new Comparison(first, rest, line);
            }
        }
    }

    private Expression Sum()
    {
        int line = stream.Current.Line;
        Expression left = Concatenation();
        while (stream.Current.IsOperator("+") || stream.Current.IsOperator("-"))
        {
            string op = stream.Next().Text;
            left = new Binary(op, left, Concatenation(), line);
        }

        return left;
    }

    private Expression Concatenation()
    {
        int line = stream.Current.Line;
        Expression first = Product();
        if (!stream.Current.IsOperator("~")) return first;
        var items = new List<Expression> { first };
        while (stream.SkipOperator("~")) items.Add(Product());
        return new Concatenation(items, line);
    }

    private Expression Product()
    {
        int line = stream.Current.Line;
        Expression left = Power();
        while (stream.Current.Kind == TokenKind.Operator && stream.Current.Text is "*" or "/" or "//" or "%")
        {
            string op = stream.Next().Text;
            left = new Binary(op, left, Power(), line);
        }

        return left;
    }

    private Expression Power()
    {
        int line = stream.Current.Line;
        Expression left = Unary();
        while (stream.SkipOperator("**")) left = new Binary("**", left, Unary(), line);
        return left;
    }

    private Expression Unary(bool filters = true)
    {
        Expression result;
        int line = stream.Current.Line;
        if (stream.Current.IsOperator("-") || stream.Current.IsOperator("+"))
        {
            char sign = stream.Next().Text[0];
            stream.Enter();
            result = new Unary(sign, Unary(filters: false), line);
            stream.Leave();
        }
        else
        {
            result = Primary();
        }

        result = Postfix(result);
        return filters ? FiltersAndTests(result) : result;
    }

    public Expression Primary(bool namespaces = false)
    {
        Token token = stream.Current;
        switch (token.Kind)
        {
            case TokenKind.Name:
                stream.Next();
                if (token.Text is "true" or "True") return new Literal(true, token.Line);
                if (token.Text is "false" or "False") return new Literal(false, token.Line);
                if (token.Text is "none" or "None") return new Literal(null, token.Line);
                if (namespaces && stream.SkipOperator(".")) return new NamespaceReference(token.Text, stream.Expect(TokenKind.Name).Text, token.Line);
                return new Name(token.Text, token.Line);
            case TokenKind.String:
                string text = stream.Next().Text;
                while (stream.Current.Kind == TokenKind.String) text += stream.Next().Text;
                return new Literal(new TextValue(text), token.Line);
            case TokenKind.Integer:
                stream.Next();
                return new Literal(Integer(token.Text), token.Line);
            case TokenKind.Float:
                stream.Next();
                return new Literal(double.Parse(token.Text, NumberStyles.Float, CultureInfo.InvariantCulture), token.Line);
            case TokenKind.Operator when token.Text == "(":
                stream.Next();
                stream.Enter();
                Expression inner = Tuple(parenthesized: true);
                stream.Leave();
                stream.ExpectOperator(")");
                return inner;
            case TokenKind.Operator when token.Text == "[":
                stream.Next();
                return new ListDisplay(Items("]", () => Expression()), token.Line);
            case TokenKind.Operator when token.Text == "{":
                stream.Next();
                return new DictDisplay(Items("}", Pair), token.Line);
            default:
                throw TokenStream.Fail($"unexpected '{token.Description}'", token.Line);
        }
    }

    private static BigInteger Integer(string text)
    {
        if (text.Length < 3 || text[0] != '0' || char.IsAsciiDigit(text[1])) return BigInteger.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture);
        int radix = text[1] switch { 'x' => 16, 'o' => 8, _ => 2 };
        BigInteger value = BigInteger.Zero;
        foreach (char c in text.AsSpan(2)) value = (value * radix) + (char.IsAsciiDigit(c) ? c - '0' : c - 'a' + 10);
        return value;
    }

    private (Expression, Expression) Pair()
    {
        Expression key = Expression();
        stream.ExpectOperator(":");
        return (key, Expression());
    }

    private List<T> Items<T>(string end, Func<T> item)
    {
        var items = new List<T>();
        while (!stream.Current.IsOperator(end))
        {
            if (items.Count > 0) stream.ExpectOperator(",");
            if (stream.Current.IsOperator(end)) break;
            items.Add(item());
        }

        stream.ExpectOperator(end);
        return items;
    }

    private Expression Postfix(Expression target)
    {
        while (true)
        {
            if (stream.Current.IsOperator(".")) target = Attribute(target);
            else if (stream.Current.IsOperator("[")) target = Subscript(target);
            else if (stream.Current.IsOperator("(")) target = CallOf(target);
            else return target;
        }
    }

    private Expression Attribute(Expression target)
    {
        int line = stream.Next().Line;
        Token name = stream.Next();
        return name.Kind switch
        {
            TokenKind.Name => new GetAttribute(target, name.Text, line),
            TokenKind.Integer => new GetItem(target, new Literal(Integer(name.Text), name.Line), line),
            _ => throw TokenStream.Fail("expected name or number", name.Line),
        };
    }

    private GetItem Subscript(Expression target)
    {
        int line = stream.Next().Line;
        var items = new List<Expression>();
        while (!stream.Current.IsOperator("]"))
        {
            if (items.Count > 0) stream.ExpectOperator(",");
            items.Add(Subscribed());
        }

        stream.ExpectOperator("]");
        return new GetItem(target, items.Count == 1 ? items[0] : new TupleDisplay(items, line), line);
    }

    private Expression Subscribed()
    {
        int line = stream.Current.Line;
        Expression? start = null;
        if (!stream.SkipOperator(":"))
        {
            start = Expression();
            if (!stream.SkipOperator(":")) return start;
        }

        Expression? stop = AtSliceEnd() || stream.Current.IsOperator(":") ? null : Expression();
        Expression? step = stream.SkipOperator(":") && !AtSliceEnd() ? Expression() : null;
        return new Slice(start, stop, step, line);
    }

    private bool AtSliceEnd() => stream.Current.IsOperator("]") || stream.Current.IsOperator(",");

    private Call CallOf(Expression target)
    {
        int line = stream.Current.Line;
        return new Call(target, Arguments(), line);
    }

    private CallArguments Arguments()
    {
        int line = stream.ExpectOperator("(").Line;
        var positional = new List<Expression>();
        var keywords = new List<(string, Expression)>();
        Expression? rest = null, keywordRest = null;
        bool comma = false;
        void Ensure(bool valid)
        {
            if (!valid) throw TokenStream.Fail("invalid syntax for function call expression", line);
        }

        while (!stream.Current.IsOperator(")"))
        {
            if (comma)
            {
                stream.ExpectOperator(",");
                if (stream.Current.IsOperator(")")) break;
            }

            if (stream.SkipOperator("*"))
            {
                Ensure(rest is null && keywordRest is null);
                rest = Expression();
            }
            else if (stream.SkipOperator("**"))
            {
                Ensure(keywordRest is null);
                keywordRest = Expression();
            }
            else if (stream.Current.Kind == TokenKind.Name && stream.Look().IsOperator("="))
            {
                Ensure(keywordRest is null);
                string name = stream.Next().Text;
                stream.Next();
                keywords.Add((name, Expression()));
            }
            else
            {
                Ensure(rest is null && keywordRest is null && keywords.Count == 0);
                positional.Add(Expression());
            }

            comma = true;
        }

        stream.ExpectOperator(")");
        return new CallArguments(positional, keywords, rest, keywordRest);
    }

    private Expression FiltersAndTests(Expression target)
    {
        while (true)
        {
            if (stream.Current.IsOperator("|")) target = FilterChain(target)!;
            else if (stream.Current.IsName("is")) target = TestOf(target);
            else if (stream.Current.IsOperator("(")) target = CallOf(target);
            else return target;
        }
    }

    /// <summary>Filters on <paramref name="target"/>; <paramref name="inline"/>: the first one stands without its bar.</summary>
    public Filter? FilterChain(Expression? target, bool inline = false)
    {
        Filter? filter = null;
        while (inline || stream.Current.IsOperator("|"))
        {
            if (!inline) stream.Next();
            inline = false;
            int line = stream.Current.Line;
            string name = DottedName();
            CallArguments arguments = stream.Current.IsOperator("(") ? Arguments() : CallArguments.None;
            filter = new Filter(target, name, arguments, line);
            target = filter;
        }

        return filter;
    }

    private string DottedName()
    {
        string name = stream.Expect(TokenKind.Name).Text;
        while (stream.SkipOperator(".")) name += "." + stream.Expect(TokenKind.Name).Text;
        return name;
    }

    private Expression TestOf(Expression target)
    {
        int line = stream.Next().Line;
        bool negated = stream.SkipName("not");
        string name = DottedName();
        CallArguments arguments = CallArguments.None;
        Token token = stream.Current;
        if (token.IsOperator("("))
        {
            arguments = Arguments();
        }
        else if ((token.Kind is TokenKind.Name or TokenKind.String or TokenKind.Integer or TokenKind.Float || token.IsOperator("[") || token.IsOperator("{"))
            && !(token.IsName("else") || token.IsName("or") || token.IsName("and")))
        {
            if (token.IsName("is")) throw TokenStream.Fail("You cannot chain multiple tests with is", token.Line);
            arguments = new CallArguments([Postfix(Primary())], [], null, null);
        }

        Expression test = new Test(target, name, arguments, line);
        return negated ? new Not(test, line) : test;
    }
}
