using KernelTune.Text.Jinja.Syntax;

namespace KernelTune.Text.Jinja.Evaluation;

/// <summary>The names that a macro's body reads: a macro takes extra arguments only if it says kwargs, varargs or caller.</summary>
internal static class NamesUsed
{
    public static HashSet<string> In(IReadOnlyList<Statement> body)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        Add(body, names);
        return names;
    }

    private static void Add(IReadOnlyList<Statement> body, HashSet<string> names)
    {
        foreach (Statement statement in body) Add(statement, names);
    }

    private static void Add(Statement statement, HashSet<string> names)
    {
        switch (statement)
        {
            case Output output:
                foreach (OutputPart part in output.Parts) Add(part.Value, names);
                break;
            case If choice:
                Add(choice.Condition, names);
                Add(choice.Then, names);
                foreach ((Expression condition, IReadOnlyList<Statement> body) in choice.ElseIf)
                {
                    Add(condition, names);
                    Add(body, names);
                }

                Add(choice.Else, names);
                break;
            case For loop:
                Add(loop.Items, names);
                Add(loop.Condition, names);
                Add(loop.Body, names);
                Add(loop.Else, names);
                break;
            case Assign assign:
                Add(assign.Value, names);
                break;
            case AssignBlock assign:
                Add(assign.Filter, names);
                Add(assign.Body, names);
                break;
            case CallBlock call:
                Add(call.Call, names);
                Add(call.Body, names);
                break;
            case FilterBlock filter:
                Add(filter.Filter, names);
                Add(filter.Body, names);
                break;
            case With with:
                foreach ((_, Expression value) in with.Bindings) Add(value, names);
                Add(with.Body, names);
                break;
            case Block block: Add(block.Body, names); break;
            case AutoEscape escape: Add(escape.Body, names); break;
            case Generation generation: Add(generation.Body, names); break;
        }
    }

    private static void Add(Expression? expression, HashSet<string> names)
    {
        switch (expression)
        {
            case Name name: names.Add(name.Id); break;
            case ListDisplay list: Add(list.Items, names); break;
            case TupleDisplay tuple: Add(tuple.Items, names); break;
            case DictDisplay dict:
                foreach ((Expression key, Expression value) in dict.Items)
                {
                    Add(key, names);
                    Add(value, names);
                }

                break;
            case GetAttribute get: Add(get.Target, names); break;
            case GetItem get:
                Add(get.Target, names);
                Add(get.Index, names);
                break;
            case Slice slice:
                Add(slice.Start, names);
                Add(slice.Stop, names);
                Add(slice.Step, names);
                break;
            case Call call:
                Add(call.Target, names);
                Add(call.Arguments, names);
                break;
            case Filter filter:
                Add(filter.Target, names);
                Add(filter.Arguments, names);
                break;
            case Test test:
                Add(test.Target, names);
                Add(test.Arguments, names);
                break;
            case Conditional choice:
                Add(choice.Condition, names);
                Add(choice.Then, names);
                Add(choice.Else, names);
                break;
            case Or or:
                Add(or.Left, names);
                Add(or.Right, names);
                break;
            case And and:
                Add(and.Left, names);
                Add(and.Right, names);
                break;
            case Not not: Add(not.Operand, names); break;
            case Unary unary: Add(unary.Operand, names); break;
            case Binary binary:
                Add(binary.Left, names);
                Add(binary.Right, names);
                break;
            case Concatenation join: Add(join.Items, names); break;
            case Comparison comparison:
                Add(comparison.First, names);
                foreach ((_, Expression operand) in comparison.Rest) Add(operand, names);
                break;
        }
    }

    private static void Add(IReadOnlyList<Expression> items, HashSet<string> names)
    {
        foreach (Expression item in items) Add(item, names);
    }

    private static void Add(CallArguments arguments, HashSet<string> names)
    {
        Add(arguments.Positional, names);
        foreach ((_, Expression value) in arguments.Keywords) Add(value, names);
        Add(arguments.Rest, names);
        Add(arguments.KeywordRest, names);
    }
}
