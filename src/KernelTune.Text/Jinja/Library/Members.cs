using System.Numerics;
using KernelTune.Text.Jinja.Python;
using KernelTune.Text.Jinja.Values;

namespace KernelTune.Text.Jinja.Library;

/// <summary>
/// x.name and x[name] as Jinja's immutable sandbox resolves them: x.name asks for a method first and an item second, x['name'] the other way
/// round; names that begin with an underscore and methods that change a list or dict give an undefined that remembers why.
/// </summary>
internal static class Members
{
    public static object? Attribute(object? target, string name)
    {
        if (target is UndefinedValue undefined) throw undefined.Error();
        if (TryMember(target, name, out object? member)) return member;
        return Iteration.TryItem(target, new TextValue(name), out object? item) ? item : UndefinedValue.Member(target, new TextValue(name));
    }

    public static object? Item(object? target, object? index)
    {
        if (target is UndefinedValue undefined) throw undefined.Error();
        if (Iteration.TryItem(target, index, out object? item)) return item;
        if (index is TextValue name && TryMember(target, name.Text, out object? member)) return member;
        return UndefinedValue.Member(target, index);
    }

    private static bool TryMember(object? target, string name, out object? member)
    {
        member = null;
        if (name.StartsWith("__", StringComparison.Ordinal) && target is not NamespaceValue)
        {
            member = UndefinedValue.Unsafe(target, name);
            return true;
        }

        switch (target)
        {
            case TextValue text:
                member = StringMethods.Find(text, name);
                break;
            case DictValue dict:
                member = DictMember(dict, name);
                break;
            case ListValue list:
                member = name is "append" or "clear" or "pop" or "reverse" or "insert" or "sort" or "extend" or "remove"
                    ? UndefinedValue.Unsafe(list, name)
                    : name == "copy" ? new FunctionValue(name, (_, a) => Ended(a, list)) : ItemsMember(list.Items, name);
                break;
            case GroupValue group when name is "grouper" or "list":
                member = group.Items[name == "grouper" ? 0 : 1];
                return true;
            case TupleValue tuple:
                member = ItemsMember(tuple.Items, name);
                break;
            case RangeValue range:
                if (name is "start" or "stop" or "step") member = name switch { "start" => range.Start, "stop" => range.Stop, _ => range.Step };
                break;
            case NamespaceValue ns:
                return ns.Attributes.TryGetValue(name, out member);
            case LoopValue loop:
                return loop.TryMember(name, out member);
            case MacroValue macro:
                member = name switch
                {
                    "name" => macro.Name is null ? null : new TextValue(macro.Name),
                    "arguments" => new TupleValue(macro.Signature.Names.Select(object? (n) => new TextValue(n)).ToList()),
                    "catch_kwargs" => macro.TakesKeywords,
                    "catch_varargs" => macro.TakesRest,
                    "caller" => macro.TakesCaller,
                    _ => macro,
                };
                if (ReferenceEquals(member, macro)) member = null;
                else return true;
                break;
            case CyclerValue cycler:
                member = name switch
                {
                    "current" => cycler.Current,
                    "next" => new FunctionValue(name, (_, a) => Ended(a, cycler.Next())),
                    "reset" => new FunctionValue(name, (_, a) =>
                    {
                        a.End();
                        cycler.Reset();
                        return null;
                    }),
                    _ => null,
                };
                break;
            case double d:
                member = name switch
                {
                    "is_integer" => new FunctionValue(name, (_, a) => Ended(a, double.IsFinite(d) && d == Math.Floor(d))),
                    "real" => d,
                    "imag" => 0.0,
                    _ => null,
                };
                break;
            case bool or BigInteger:
                BigInteger i = Numbers.ToInteger(target);
                member = name switch
                {
                    "real" or "numerator" => i,
                    "imag" => BigInteger.Zero,
                    "denominator" => BigInteger.One,
                    "bit_length" => new FunctionValue(name, (_, a) => Ended(a, new BigInteger(BigInteger.Abs(i).GetBitLength()))),
                    _ => null,
                };
                break;
        }

        return member is not null;
    }

    private static object? DictMember(DictValue dict, string name) => name switch
    {
        "items" or "keys" or "values" => new FunctionValue(name, (_, a) => Ended(a, new ViewValue(dict, name))),
        "get" => new FunctionValue(name, (_, a) =>
        {
            object? key = a.Required("key"), fallback = a.Optional("default");
            a.End();
            return dict.TryGet(key, out object? value) ? value : fallback;
        }),
        "copy" => new FunctionValue(name, (_, a) => Ended(a, dict)),
        "clear" or "pop" or "popitem" or "setdefault" or "update" => UndefinedValue.Unsafe(dict, name),
        "fromkeys" => new FunctionValue(name, (e, a) =>
        {
            object? keys = a.Required("iterable"), value = a.Optional("value");
            a.End();
            var made = new DictValue();
            foreach (object? key in Iteration.Items(keys))
            {
                e.Budget.Step();
                made.Set(key, value);
            }

            return made;
        }),
        _ => null,
    };

    private static FunctionValue? ItemsMember(IReadOnlyList<object?> items, string name) => name switch
    {
        "count" => new FunctionValue(name, (_, a) =>
        {
            object? wanted = a.Required("value");
            a.End();
            return new BigInteger(items.Count(i => Equality.AreEqual(i, wanted)));
        }),
        "index" => new FunctionValue(name, (_, a) =>
        {
            object? wanted = a.Required("value");
            int start = a.Int("start", 0), stop = a.Int("stop", int.MaxValue);
            a.End();
            if (start < 0) start = Math.Max(0, start + items.Count);
            if (stop < 0) stop += items.Count;
            for (int i = start; i < items.Count && i < stop; i++)
                if (Equality.AreEqual(items[i], wanted)) return new BigInteger(i);
            throw new TemplateException(TemplateErrorKind.Value, $"{Repr.Of(wanted)} is not in list");
        }),
        _ => null,
    };

    private static object? Ended(ArgumentReader arguments, object? result)
    {
        arguments.End();
        return result;
    }
}
