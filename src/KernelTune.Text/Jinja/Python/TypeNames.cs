using System.Numerics;
using KernelTune.Text.Jinja.Values;

namespace KernelTune.Text.Jinja.Python;

/// <summary>The names that Python's messages give to the types of values.</summary>
internal static class TypeNames
{
    public static string Of(object? value) => value switch
    {
        null => "NoneType",
        bool => "bool",
        BigInteger => "int",
        double => "float",
        TextValue text => text.Safe ? "Markup" : "str",
        ListValue => "list",
        GroupValue => "_GroupTuple",
        TupleValue => "tuple",
        DictValue => "dict",
        ViewValue view => "dict_" + view.Kind,
        RangeValue => "range",
        IteratorValue iterator => iterator.Type,
        UndefinedValue => "Undefined",
        NamespaceValue => "Namespace",
        LoopValue => "LoopContext",
        MacroValue => "Macro",
        CyclerValue => "Cycler",
        _ => "function",
    };
}

/// <summary>bool(x).</summary>
internal static class Truth
{
    public static bool Of(object? value) => value switch
    {
        null or UndefinedValue => false,
        bool b => b,
        BigInteger i => !i.IsZero,
        double d => d != 0,
        TextValue text => text.Text.Length > 0,
        ListValue list => list.Items.Count > 0,
        TupleValue tuple => tuple.Items.Count > 0,
        DictValue dict => dict.Count > 0,
        ViewValue view => view.Dict.Count > 0,
        RangeValue range => !range.Length.IsZero,
        LoopValue loop => loop.Length() > 0,
        _ => true,
    };
}
