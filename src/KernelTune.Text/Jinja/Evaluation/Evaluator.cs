using System.Runtime.CompilerServices;
using KernelTune.Text.Jinja.Library;
using KernelTune.Text.Jinja.Python;
using KernelTune.Text.Jinja.Syntax;
using KernelTune.Text.Jinja.Values;

namespace KernelTune.Text.Jinja.Evaluation;

/// <summary>Walks a template's tree once: expressions here, statements in <see cref="StatementRunner"/>.</summary>
internal sealed class Evaluator
{
    private readonly StatementRunner _statements;

    public Evaluator(TemplateLimits limits, DateTime now)
    {
        Budget = new Budget(limits);
        Now = now;
        Filters = new Dictionary<string, FunctionValue>(StringComparer.Ordinal);
        TextFilters.AddTo(Filters);
        SequenceFilters.AddTo(Filters);
        Tests = Library.Tests.All(Filters.ContainsKey);
        _statements = new StatementRunner(this);
    }

    public Budget Budget { get; }

    public DateTime Now { get; }

    public Dictionary<string, FunctionValue> Filters { get; }

    public Dictionary<string, FunctionValue> Tests { get; }

    public bool AutoEscape { get; set; }

    public StatementRunner Statements => _statements;

    public object? Evaluate(Expression expression, Scope scope)
    {
        Budget.Step();
        if (!RuntimeHelpers.TryEnsureSufficientExecutionStack()) throw new TemplateException(TemplateErrorKind.Limit, "an expression nested too deeply", expression.Line);
        try
        {
            return Value(expression, scope);
        }
        catch (TemplateException e) when (e.Line == 0)
        {
            throw e.At(expression.Line);
        }
    }

    private object? Value(Expression expression, Scope scope)
    {
        switch (expression)
        {
            case Literal literal: return literal.Value;
            case Name name: return scope.TryGet(name.Id, out object? held) ? held : UndefinedValue.Variable(name.Id);
            case ListDisplay list: return new ListValue(All(list.Items, scope));
            case TupleDisplay tuple: return new TupleValue(All(tuple.Items, scope));
            case DictDisplay dict:
                var made = new DictValue();
                Budget.Allocate(dict.Items.Count);
                foreach ((Expression key, Expression value) in dict.Items) made.Set(Evaluate(key, scope), Evaluate(value, scope));
                return made;
            case GetAttribute get: return Members.Attribute(Evaluate(get.Target, scope), get.Attribute);
            case GetItem get: return Item(get, scope);
            case Call call: return CallValue(Evaluate(call.Target, scope), Arguments(call.Arguments, scope, []));
            case Filter filter: return ApplyFilter(filter, scope, filter.Target is null ? null : Evaluate(filter.Target, scope));
            case Test test: return CallTest(test.Id, Arguments(test.Arguments, scope, [Evaluate(test.Target, scope)]));
            case Conditional choice:
                if (Truth.Of(Evaluate(choice.Condition, scope))) return Evaluate(choice.Then, scope);
                return choice.Else is null ? new UndefinedValue($"the inline if-expression on line {choice.Line} evaluated to false and no else section was defined.") : Evaluate(choice.Else, scope);
            case Or or:
                object? left = Evaluate(or.Left, scope);
                return Truth.Of(left) ? left : Evaluate(or.Right, scope);
            case And and:
                object? first = Evaluate(and.Left, scope);
                return Truth.Of(first) ? Evaluate(and.Right, scope) : first;
            case Not not: return !Truth.Of(Evaluate(not.Operand, scope));
            case Unary unary: return unary.Operator == '-' ? Numbers.Negate(Evaluate(unary.Operand, scope)) : Numbers.Plus(Evaluate(unary.Operand, scope));
            case Binary binary: return Binary(binary.Operator, Evaluate(binary.Left, scope), Evaluate(binary.Right, scope));
            case Concatenation join: return Concatenate(join, scope);
            case Comparison comparison: return CompareAll(comparison, scope);
            default: throw new TemplateException(TemplateErrorKind.Syntax, "not an expression", expression.Line);
        }
    }

    private List<object?> All(IReadOnlyList<Expression> items, Scope scope)
    {
        Budget.Allocate(items.Count);
        var values = new List<object?>(items.Count);
        foreach (Expression item in items) values.Add(Evaluate(item, scope));
        return values;
    }

    private object? Item(GetItem get, Scope scope)
    {
        object? target = Evaluate(get.Target, scope);
        if (get.Index is not Slice slice) return Members.Item(target, Evaluate(get.Index, scope));
        if (target is UndefinedValue undefined) throw undefined.Error();
        object? start = slice.Start is null ? null : Evaluate(slice.Start, scope);
        object? stop = slice.Stop is null ? null : Evaluate(slice.Stop, scope);
        object? step = slice.Step is null ? null : Evaluate(slice.Step, scope);
        object? result = Iteration.Slice(target, start, stop, step);
        if (result is not RangeValue) Budget.Allocate(Iteration.Length(result));
        return result;
    }

    private CallValues Arguments(CallArguments arguments, Scope scope, List<object?> positional)
    {
        foreach (Expression value in arguments.Positional) positional.Add(Evaluate(value, scope));
        if (arguments.Rest is not null) positional.AddRange(Walk(Evaluate(arguments.Rest, scope)));
        if (arguments.Keywords.Count == 0 && arguments.KeywordRest is null) return new CallValues(positional, []);
        var keywords = new List<KeyValuePair<string, object?>>();
        foreach ((string name, Expression value) in arguments.Keywords) keywords.Add(new(name, Evaluate(value, scope)));
        if (arguments.KeywordRest is not null)
        {
            if (Evaluate(arguments.KeywordRest, scope) is not DictValue dict) throw new TemplateException(TemplateErrorKind.Type, "argument after ** must be a mapping");
            foreach ((object? key, object? value) in dict.Entries)
                keywords.Add(new(key is TextValue text ? text.Text : throw new TemplateException(TemplateErrorKind.Type, "keywords must be strings"), value));
        }

        return new CallValues(positional, keywords);
    }

    public CallValues Arguments(CallArguments arguments, Scope scope, KeyValuePair<string, object?> extra)
    {
        CallValues values = Arguments(arguments, scope, []);
        return new CallValues(values.Positional, [.. values.Keywords, extra]);
    }

    public object? CallValue(object? target, CallValues arguments)
    {
        if (target is UndefinedValue undefined) throw undefined.Error();
        if (target is not ICallable callable) throw new TemplateException(TemplateErrorKind.Type, $"'{TypeNames.Of(target)}' object is not callable");
        return callable.Call(this, arguments);
    }

    public object? ApplyFilter(Filter filter, Scope scope, object? value) => CallFilter(filter.Id, Arguments(filter.Arguments, scope, [value]));

    public object? CallFilter(string name, CallValues arguments) => Filters.TryGetValue(name, out FunctionValue? filter)
        ? filter.Call(this, arguments)
        : throw new TemplateException(TemplateErrorKind.Assertion, $"No filter named {Repr.Of(name)}.");

    public object? CallTest(string name, CallValues arguments) => Tests.TryGetValue(name, out FunctionValue? test)
        ? test.Call(this, arguments)
        : throw new TemplateException(TemplateErrorKind.Assertion, $"No test named {Repr.Of(name)}.");

    /// <summary>The items of a value, each counted as a step.</summary>
    public IEnumerable<object?> Walk(object? value)
    {
        return Counted(Iteration.Items(value));
        IEnumerable<object?> Counted(IEnumerable<object?> items)
        {
            foreach (object? item in items)
            {
                Budget.Step();
                yield return item;
            }
        }
    }

    /// <summary>Exactly <paramref name="count"/> items of a value, as a tuple assignment wants them.</summary>
    public List<object?> Unpack(object? value, int count)
    {
        if (!Iteration.IsIterable(value)) throw new TemplateException(TemplateErrorKind.Type, $"cannot unpack non-iterable {TypeNames.Of(value)} object");
        List<object?> items = Iteration.Items(value).Take(count + 1).ToList();
        if (items.Count > count) throw new TemplateException(TemplateErrorKind.Value, $"too many values to unpack (expected {count})");
        if (items.Count < count) throw new TemplateException(TemplateErrorKind.Value, $"not enough values to unpack (expected {count}, got {items.Count})");
        return items;
    }

    public object? Binary(string op, object? left, object? right)
    {
        if (left is UndefinedValue x) throw x.Error();
        switch (op, left, right)
        {
            case ("+", TextValue a, TextValue b):
                Budget.Allocate(a.Text.Length + b.Text.Length);
                if (a.Safe != b.Safe) (a, b) = (Escape(a), Escape(b));
                return new TextBuilder().Append(a).Append(b).ToValue(a.Safe);
            case ("+", ListValue a, ListValue b):
                Budget.Allocate(a.Items.Count + b.Items.Count);
                return new ListValue([.. a.Items, .. b.Items]);
            case ("+", TupleValue a, TupleValue b):
                Budget.Allocate(a.Items.Count + b.Items.Count);
                return new TupleValue([.. a.Items, .. b.Items]);
            case ("+", TextValue or ListValue or TupleValue, not UndefinedValue):
                string type = TypeNames.Of(left is TextValue ? TextValue.Empty : left);
                throw new TemplateException(TemplateErrorKind.Type, $"can only concatenate {type} (not \"{TypeNames.Of(right)}\") to {type}");
            case ("*", TextValue or ListValue or TupleValue, bool or System.Numerics.BigInteger): return Repeat(left!, Numbers.ToInt32(right));
            case ("*", bool or System.Numerics.BigInteger, TextValue or ListValue or TupleValue): return Repeat(right!, Numbers.ToInt32(left));
            case ("*", TextValue or ListValue or TupleValue, not UndefinedValue):
                throw new TemplateException(TemplateErrorKind.Type, $"can't multiply sequence by non-int of type '{TypeNames.Of(right)}'");
            case ("%", TextValue format, _): return PercentFormat.Format(this, format, right);
            case ("|", DictValue a, DictValue b):
                var merged = new DictValue();
                foreach ((object? key, object? value) in a.Entries.Concat(b.Entries)) merged.Set(key, value);
                return merged;
            default: return Numbers.Arithmetic(op, left, right);
        }
    }

    private object? Repeat(object value, int count)
    {
        count = Math.Max(count, 0);
        Budget.Allocate((long)Iteration.Length(value) * count);
        if (value is TextValue text)
        {
            if (text.Content is null) return new TextValue(StringMethods.Repeat(text.Text, count), null, text.Safe);
            var joined = new TextBuilder();
            for (int i = 0; i < count; i++) joined.Append(text);
            return joined.ToValue(text.Safe);
        }

        IReadOnlyList<object?> items = value is ListValue list ? list.Items : ((TupleValue)value).Items;
        List<object?> repeated = Enumerable.Repeat(items, count).SelectMany(i => i).ToList();
        return value is ListValue ? new ListValue(repeated) : new TupleValue(repeated);
    }

    private TextValue Concatenate(Concatenation join, Scope scope)
    {
        List<TextValue> pieces = join.Items.Select(i => Repr.Text(Evaluate(i, scope))).ToList();
        bool safe = AutoEscape && pieces.Any(p => p.Safe);
        var into = new TextBuilder();
        foreach (TextValue piece in pieces)
        {
            Budget.Allocate(piece.Text.Length);
            into.Append(safe ? Escape(piece) : piece);
        }

        return into.ToValue(safe);
    }

    private bool CompareAll(Comparison comparison, Scope scope)
    {
        object? left = Evaluate(comparison.First, scope);
        foreach ((string op, Expression operand) in comparison.Rest)
        {
            object? right = Evaluate(operand, scope);
            if (!Compare(op, left, right)) return false;
            left = right;
        }

        return true;
    }

    public static bool Compare(string op, object? left, object? right)
    {
        switch (op)
        {
            case "==": return Equality.AreEqual(left, right);
            case "!=": return !Equality.AreEqual(left, right);
            case "in": return Iteration.Contains(right, left);
            case "not in": return !Iteration.Contains(right, left);
        }

        if ((left is double.NaN && Numbers.IsNumber(right)) || (right is double.NaN && Numbers.IsNumber(left))) return false;
        int order = Ordering.Compare(left, right, op);
        return op switch { "<" => order < 0, "<=" => order <= 0, ">" => order > 0, _ => order >= 0 };
    }

    /// <summary>The text of a value with &amp; &lt; &gt; ' " replaced, marked safe; a safe text stays as it is.</summary>
    public TextValue Escape(object? value)
    {
        TextValue text = Repr.Text(value);
        if (text.Safe) return text;
        var into = new TextBuilder();
        int from = 0;
        for (int i = 0; i < text.Text.Length; i++)
        {
            string? entity = text.Text[i] switch { '&' => "&amp;", '<' => "&lt;", '>' => "&gt;", '\'' => "&#39;", '"' => "&#34;", _ => null };
            if (entity is null) continue;
            into.Append(text.Substring(from, i)).Append(entity);
            from = i + 1;
        }

        Budget.Allocate(into.Length + text.Text.Length - from);
        return into.Append(text.Substring(from, text.Text.Length)).ToValue(safe: true);
    }

    /// <summary>Calls a macro: positional, then named arguments, then defaults; what is missing is undefined.</summary>
    public object? Invoke(MacroValue macro, CallValues arguments)
    {
        Budget.Enter();
        try
        {
            return _statements.RunMacro(macro, arguments);
        }
        finally
        {
            Budget.Leave();
        }
    }
}
