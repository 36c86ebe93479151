using System.Numerics;
using KernelTune.Text.Jinja.Python;
using KernelTune.Text.Jinja.Values;

namespace KernelTune.Text.Jinja.Library;

/// <summary>The functions that every template finds: Jinja's own, and those that Transformers adds.</summary>
internal static class Globals
{
    private const int LargestRange = 100_000;       // Jinja's sandbox

    public static Dictionary<string, object?> All()
    {
        var globals = new Dictionary<string, object?>(StringComparer.Ordinal);
        void Add(string name, Func<Evaluation.Evaluator, ArgumentReader, object?> body) => globals.Add(name, new FunctionValue(name, body));
        Add("range", (_, a) => Range(a.All()));
        Add("dict", (e, a) => Dict(e, a));
        Add("namespace", (e, a) => Namespace(e, a));
        Add("cycler", (_, a) => a.All() is { Count: > 0 } items ? new CyclerValue(items) : throw new TemplateException(TemplateErrorKind.Runtime, "at least one item has to be provided"));
        Add("joiner", (_, a) => Joiner(a));
        Add("lipsum", (_, _) => throw new TemplateException(TemplateErrorKind.Unsupported, "lipsum is not supported: rendering is deterministic"));
        Add("raise_exception", (_, a) =>
        {
            object? message = a.Required("message");
            a.End();
            throw new TemplateException(TemplateErrorKind.Raised, Repr.Text(message).Text);
        });
        Add("strftime_now", (e, a) =>
        {
            TextValue format = a.Text("format");
            a.End();
            return new TextValue(Strftime.Format(format.Text, e.Now));
        });
        return globals;
    }

    private static RangeValue Range(IReadOnlyList<object?> arguments)
    {
        if (arguments.Count is < 1 or > 3) throw new TemplateException(TemplateErrorKind.Type, $"range expected at {(arguments.Count == 0 ? "least 1 argument" : "most 3 arguments")}, got {arguments.Count}");
        BigInteger[] n = arguments.Select(Numbers.ToInteger).ToArray();
        var range = new RangeValue(n.Length == 1 ? 0 : n[0], n.Length == 1 ? n[0] : n[1], n.Length == 3 ? n[2] : 1);
        if (range.Step.IsZero) throw new TemplateException(TemplateErrorKind.Value, "range() arg 3 must not be zero");
        if (range.Length > LargestRange)
            throw new TemplateException(TemplateErrorKind.Overflow, $"Range too big. The sandbox blocks ranges larger than MAX_RANGE ({LargestRange}).");
        return range;
    }

    private static DictValue Dict(Evaluation.Evaluator e, ArgumentReader a)
    {
        var dict = new DictValue();
        IReadOnlyList<object?> positional = a.Positional();
        if (positional.Count > 1) throw new TemplateException(TemplateErrorKind.Type, $"dict expected at most 1 argument, got {positional.Count}");
        if (positional.Count == 1)
        {
            if (positional[0] is DictValue from)
                foreach ((object? key, object? value) in from.Entries) dict.Set(key, value);
            else
                foreach (object? pair in e.Walk(positional[0]))
                {
                    List<object?> both = e.Unpack(pair, 2);
                    dict.Set(both[0], both[1]);
                }
        }

        foreach ((string key, object? value) in a.Keywords()) dict.Set(new TextValue(key), value);
        return dict;
    }

    private static NamespaceValue Namespace(Evaluation.Evaluator e, ArgumentReader a)
    {
        var ns = new NamespaceValue();
        foreach ((object? key, object? value) in Dict(e, a).Entries) ns.Attributes[Repr.Text(key).Text] = value;
        return ns;
    }

    private static FunctionValue Joiner(ArgumentReader a)
    {
        object? separator = a.Optional("sep", new TextValue(", "));
        a.End();
        bool used = false;
        return new FunctionValue("joiner", (_, inner) =>
        {
            inner.End();
            if (used) return separator;
            used = true;
            return TextValue.Empty;
        });
    }
}
