using System.Numerics;
using KernelTune.Text.Jinja.Evaluation;
using KernelTune.Text.Jinja.Python;
using KernelTune.Text.Jinja.Values;

namespace KernelTune.Text.Jinja.Library;

/// <summary>What may stand after <c>is</c>.</summary>
internal static class Tests
{
    public static Dictionary<string, FunctionValue> All(Func<string, bool> isFilter)
    {
        var tests = new Dictionary<string, FunctionValue>(StringComparer.Ordinal);
        void One(Func<object?, bool> test, params string[] names)
        {
            foreach (string name in names)
                tests.Add(name, new FunctionValue(name, (_, a) =>
                {
                    object? value = a.Required("value");
                    a.End();
                    return test(value);
                }));
        }

        void Two(Func<Evaluator, object?, object?, object?> test, params string[] names)
        {
            foreach (string name in names)
                tests.Add(name, new FunctionValue(name, (e, a) =>
                {
                    object? value = a.Required("value"), other = a.Required("other");
                    a.End();
                    return test(e, value, other);
                }));
        }

        One(v => v is not UndefinedValue, "defined");
        One(v => v is UndefinedValue, "undefined");
        One(v => v is null, "none");
        One(v => v is bool, "boolean");
        One(v => v is true, "true");
        One(v => v is false, "false");
        One(v => v is BigInteger, "integer");
        One(v => v is double, "float");
        One(Numbers.IsNumber, "number");
        One(v => v is TextValue, "string");
        One(v => v is DictValue, "mapping");
        One(v => v is TextValue or ListValue or TupleValue or DictValue or RangeValue or UndefinedValue, "sequence");
        One(Iteration.IsIterable, "iterable");
        One(v => v is ICallable or UndefinedValue, "callable");
        One(v => v is TextValue { Safe: true }, "escaped");
        One(v => StringMethods.IsCase(Repr.Text(v).Text, Characters.IsLower), "lower");
        One(v => StringMethods.IsCase(Repr.Text(v).Text, Characters.IsUpper), "upper");
        One(v => v is TextValue name && isFilter(name.Text), "filter");
        One(v => v is TextValue name && tests.ContainsKey(name.Text), "test");
        One(v => Remainder(v, 2) is { } r && Equality.AreEqual(r, BigInteger.Zero), "even");
        One(v => Remainder(v, 2) is { } r && Equality.AreEqual(r, BigInteger.One), "odd");
        Two((e, v, n) => Equality.AreEqual(e.Binary("%", v, n), BigInteger.Zero), "divisibleby");
        Two((_, v, o) => Same(v, o), "sameas");
        Two((_, v, o) => Iteration.Contains(o, v), "in");
        foreach ((string op, string[] names) in new (string, string[])[]
        {
            ("==", ["==", "eq", "equalto"]), ("!=", ["!=", "ne"]), (">", [">", "gt", "greaterthan"]), (">=", [">=", "ge"]), ("<", ["<", "lt", "lessthan"]), ("<=", ["<=", "le"]),
        })
            Two((_, v, o) => Evaluator.Compare(op, v, o), names);
        return tests;
    }

    private static object? Remainder(object? value, int by) =>
        value is TextValue ? throw new TemplateException(TemplateErrorKind.Type, "not all arguments converted during string formatting") : Numbers.Arithmetic("%", value, new BigInteger(by));

    private static bool Same(object? a, object? b) => (a, b) switch
    {
        (null, null) => true,
        (bool x, bool y) => x == y,
        (BigInteger x, BigInteger y) => x == y,       // Python keeps one object for small integers and for equal constants
        (double x, double y) => x.Equals(y),
        (TextValue x, TextValue y) => x.Text == y.Text,
        _ => ReferenceEquals(a, b),
    };
}
