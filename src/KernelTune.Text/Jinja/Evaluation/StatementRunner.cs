using System.Numerics;
using System.Runtime.CompilerServices;
using KernelTune.Text.Jinja.Python;
using KernelTune.Text.Jinja.Syntax;
using KernelTune.Text.Jinja.Values;

namespace KernelTune.Text.Jinja.Evaluation;

/// <summary>
/// Runs statements. A loop, with, macro, call, filter and block have scopes of their own: what is set in them stays in them; an if has none.
/// </summary>
internal sealed class StatementRunner(Evaluator evaluator)
{
    private enum Flow
    {
        Next,
        Break,
        Continue,
    }

    private readonly TextBuilder _root = new();
    private readonly List<(int Start, int End)> _generations = [];
    private TextBuilder _out = new();
    private Scope _template = new(null);
    private long _printed;
    private bool _yielded;

    /// <summary>The text, and the spans of the generation blocks in code points.</summary>
    public (TextBuilder Text, IReadOnlyList<(int Start, int End)> Generations) RunTemplate(IReadOnlyList<Statement> body, Scope globals)
    {
        _out = _root;
        _template = new Scope(globals);
        Run(body, _template);
        return (_root, _generations);
    }

    private Flow Run(IReadOnlyList<Statement> body, Scope scope)
    {
        foreach (Statement statement in body)
        {
            evaluator.Budget.Step();
            if (!RuntimeHelpers.TryEnsureSufficientExecutionStack()) throw new TemplateException(TemplateErrorKind.Limit, "statements nested too deeply", statement.Line);
            try
            {
                Flow flow = Run(statement, scope);
                if (flow != Flow.Next) return flow;
            }
            catch (TemplateException e) when (e.Line == 0)
            {
                throw e.At(statement.Line);
            }
        }

        return Flow.Next;
    }

    private Flow Run(Statement statement, Scope scope)
    {
        switch (statement)
        {
            case Output output:
                foreach (OutputPart part in output.Parts)
                {
                    if (part.Data is not null) Print(new TextValue(part.Data));
                    else PrintValue(evaluator.Evaluate(part.Value!, scope));
                }

                return Flow.Next;
            case If choice: return RunIf(choice, scope);
            case For loop:
                RunFor(loop, evaluator.Evaluate(loop.Items, scope), scope, depth: 0);
                return Flow.Next;
            case Break: return Flow.Break;
            case Continue: return Flow.Continue;
            case Assign assign:
                Set(assign.Target, evaluator.Evaluate(assign.Value, scope), scope);
                return Flow.Next;
            case AssignBlock assign:
                object? captured = Capture(() => Run(assign.Body, new Scope(scope)));
                Set(assign.Target, assign.Filter is null ? captured : Chain(assign.Filter, captured, scope), scope);
                return Flow.Next;
            case Macro macro:
                scope.Set(macro.Id, MacroOf(macro.Id, macro.Signature, macro.Body, scope));
                return Flow.Next;
            case CallBlock block:
                RunCall(block, scope);
                return Flow.Next;
            case FilterBlock block:
                TextValue text = Capture(() => Run(block.Body, new Scope(scope)));
                PrintValue(Chain(block.Filter, text, scope));
                return Flow.Next;
            case With with:
                var inner = new Scope(scope);
                foreach ((Expression target, Expression value) in with.Bindings) Set(target, evaluator.Evaluate(value, scope), inner);
                return Run(with.Body, inner);
            case Block block: return Run(block.Body, new Scope(block.Scoped ? scope : _template));
            case AutoEscape escape:
                bool before = evaluator.AutoEscape;
                evaluator.AutoEscape = Truth.Of(evaluator.Evaluate(escape.Value, scope));
                Flow result = Run(escape.Body, new Scope(scope));
                evaluator.AutoEscape = before;
                return result;
            case Generation generation:
                RunGeneration(generation, scope);
                return Flow.Next;
            case Load load:
                throw new TemplateException(TemplateErrorKind.Type, "no loader for this environment specified", load.Line);
            default:
                throw new TemplateException(TemplateErrorKind.Syntax, "not a statement", statement.Line);
        }
    }

    private void Print(TextValue text)
    {
        _yielded |= ReferenceEquals(_out, _root);
        _printed += text.Text.Length;
        if (_printed > evaluator.Budget.Limits.Output)
            throw new TemplateException(TemplateErrorKind.Limit, $"stopped: more than {evaluator.Budget.Limits.Output} characters printed");
        _out.Append(text);
    }

    private void PrintValue(object? value)
    {
        TextValue text = Repr.Text(value);
        Print(evaluator.AutoEscape ? evaluator.Escape(text) : text);
    }

    private TextValue Capture(Action run)
    {
        TextBuilder before = _out;
        _out = new TextBuilder();
        try
        {
            run();
            return _out.ToValue(evaluator.AutoEscape);
        }
        finally
        {
            _out = before;
        }
    }

    private object? Chain(Filter filter, object? value, Scope scope) =>
        evaluator.ApplyFilter(filter, scope, filter.Target is Filter inner ? Chain(inner, value, scope) : value);

    private Flow RunIf(If choice, Scope scope)
    {
        if (Truth.Of(evaluator.Evaluate(choice.Condition, scope))) return Run(choice.Then, scope);
        foreach ((Expression condition, IReadOnlyList<Statement> body) in choice.ElseIf)
            if (Truth.Of(evaluator.Evaluate(condition, scope))) return Run(body, scope);
        return Run(choice.Else, scope);
    }

    private void RunFor(For loop, object? items, Scope scope, int depth)
    {
        IEnumerable<object?> walked = evaluator.Walk(items);
        int? length = Iteration.TryLength(items);
        if (loop.Condition is not null)
        {
            walked = walked.Where(item =>
            {
                var test = new Scope(scope);
                Set(loop.Target, item, test);
                return Truth.Of(evaluator.Evaluate(loop.Condition, test));
            });
            length = null;
        }

        Func<object?, int, object?>? recurse = loop.Recursive
            ? (inner, level) =>
            {
                evaluator.Budget.Enter();
                TextValue text = Capture(() => RunFor(loop, inner, scope, level));
                evaluator.Budget.Leave();
                return text;
            }
        : null;
        var state = new LoopValue(walked, length, depth, recurse);
        bool any = false;
        while (state.MoveNext())
        {
            any = true;
            var body = new Scope(scope);
            body.Set("loop", state);
            Set(loop.Target, state.Current, body);
            if (Run(loop.Body, body) == Flow.Break) break;
        }

        if (!any) Run(loop.Else, new Scope(scope));
    }

    private void Set(Expression target, object? value, Scope scope)
    {
        switch (target)
        {
            case Name name:
                scope.Set(name.Id, value);
                break;
            case NamespaceReference reference:
                if (!scope.TryGet(reference.Id, out object? held) || held is not NamespaceValue ns)
                    throw new TemplateException(TemplateErrorKind.Runtime, "cannot assign attribute on non-namespace object", reference.Line);
                ns.Attributes[reference.Attribute] = value;
                break;
            case TupleDisplay tuple:
                List<object?> items = evaluator.Unpack(value, tuple.Items.Count);
                for (int i = 0; i < items.Count; i++) Set(tuple.Items[i], items[i], scope);
                break;
        }
    }

    private static MacroValue MacroOf(string? name, Signature signature, IReadOnlyList<Statement> body, Scope scope)
    {
        HashSet<string> used = NamesUsed.In(body);
        return new MacroValue(name, signature, body, scope, used.Contains("kwargs"), used.Contains("varargs"), used.Contains("caller"));
    }

    private void RunCall(CallBlock block, Scope scope)
    {
        MacroValue caller = MacroOf("caller", block.Signature, block.Body, scope);
        object? target = evaluator.Evaluate(block.Call.Target, scope);
        PrintValue(evaluator.CallValue(target, evaluator.Arguments(block.Call.Arguments, scope, new KeyValuePair<string, object?>("caller", caller))));
    }

    private void RunGeneration(Generation generation, Scope scope)
    {
        // As Transformers counts: from the end of what the template itself has printed so far, and not before it has printed anything.
        TextValue text = Capture(() => Run(generation.Body, new Scope(scope)));
        if (_yielded) _generations.Add((_root.CodePointCount, _root.CodePointCount + text.Length));
        _printed -= text.Text.Length;
        Print(text);
    }

    public object? RunMacro(MacroValue macro, CallValues arguments)
    {
        IReadOnlyList<string> names = macro.Signature.Names;
        var scope = new Scope(macro.Scope);
        var keywords = arguments.Keywords.ToList();
        bool caller = false;
        int firstDefault = names.Count - macro.Signature.Defaults.Count;
        for (int i = 0; i < names.Count; i++)
        {
            string name = names[i];
            int given = keywords.FindIndex(k => k.Key == name);
            caller |= name == "caller";
            if (i < arguments.Positional.Count) scope.Set(name, arguments.Positional[i]);
            else if (given >= 0)
            {
                scope.Set(name, keywords[given].Value);
                keywords.RemoveAt(given);
            }
            else
            {
                scope.Set(name, i >= firstDefault
                    ? evaluator.Evaluate(macro.Signature.Defaults[i - firstDefault], scope)
                    : new UndefinedValue($"parameter {Repr.Of(name)} was not provided"));
            }
        }

        if (macro.TakesCaller && !caller)
        {
            int given = keywords.FindIndex(k => k.Key == "caller");
            scope.Set("caller", given >= 0 ? keywords[given].Value : new UndefinedValue("No caller defined"));
            if (given >= 0) keywords.RemoveAt(given);
        }

        if (macro.TakesKeywords)
        {
            var rest = new DictValue();
            foreach ((string key, object? value) in keywords) rest.Set(new TextValue(key), value);
            scope.Set("kwargs", rest);
        }
        else if (keywords.Count > 0)
        {
            throw new TemplateException(TemplateErrorKind.Type, $"macro {Repr.Of(macro.Name ?? "")} takes no keyword argument {Repr.Of(keywords[0].Key)}");
        }

        if (macro.TakesRest) scope.Set("varargs", new TupleValue(arguments.Positional.Skip(names.Count).ToList()));
        else if (arguments.Positional.Count > names.Count)
            throw new TemplateException(TemplateErrorKind.Type, $"macro {Repr.Of(macro.Name ?? "")} takes not more than {names.Count} argument(s)");
        return Capture(() => Run(macro.Body, scope));
    }
}
