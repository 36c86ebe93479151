using System.Numerics;

namespace KernelTune.Text.Jinja.Values;

/// <summary>
/// <c>loop</c> inside a for: it looks at most one item ahead unless the length is asked for, so that a filtered loop evaluates its condition
/// when Jinja does.
/// </summary>
internal sealed class LoopValue(IEnumerable<object?> items, int? knownLength, int depth0, Func<object?, int, object?>? recurse) : ICallable
{
    private IEnumerator<object?> _walk = items.GetEnumerator();
    private int? _length = knownLength;
    private bool _ahead;
    private bool _ended;
    private object? _after;
    private object? _before;
    private object? _current;
    private TupleValue? _changed;

    public int Index0 { get; private set; } = -1;

    public int Depth0 => depth0;

    public object? Current => _current;

    public bool MoveNext()
    {
        if (!Peek()) return false;
        _ahead = false;
        Index0++;
        _before = _current;
        _current = _after;
        return true;
    }

    /// <summary>A member of <c>loop</c>, or null if it has none of that name.</summary>
    public bool TryMember(string name, out object? value)
    {
        value = name switch
        {
            "index" => new BigInteger(Index0 + 1),
            "index0" => new BigInteger(Index0),
            "revindex" => new BigInteger(Length() - Index0),
            "revindex0" => new BigInteger(Length() - Index0 - 1),
            "first" => Index0 == 0,
            "last" => !Peek(),
            "length" => new BigInteger(Length()),
            "depth" => new BigInteger(depth0 + 1),
            "depth0" => new BigInteger(depth0),
            "previtem" => Index0 == 0 ? new UndefinedValue("there is no previous item") : _before,
            "nextitem" => Peek() ? _after : new UndefinedValue("there is no next item"),
            "cycle" => new FunctionValue("cycle", (_, a) => Cycle(a)),
            "changed" => new FunctionValue("changed", (_, a) => Changed(a.All())),
            _ => this,
        };
        return !ReferenceEquals(value, this);
    }

    public int Length()
    {
        if (_length is { } known) return known;
        var rest = new List<object?>();
        while (!_ended && _walk.MoveNext()) rest.Add(_walk.Current);
        _ended = false;
        _walk = rest.GetEnumerator();
        _length = rest.Count + Index0 + 1 + (_ahead ? 1 : 0);
        return _length.Value;
    }

    public object? Call(Evaluation.Evaluator evaluator, CallValues arguments)
    {
        if (recurse is null) throw new TemplateException(TemplateErrorKind.Type, "The loop must have the 'recursive' marker to be called recursively.");
        var reader = new ArgumentReader("loop", arguments);
        object? inner = reader.Required("iterable");
        reader.End();
        return recurse(inner, depth0 + 1);
    }

    private bool Peek()
    {
        if (_ahead) return true;
        if (_ended || !_walk.MoveNext())
        {
            _ended = true;
            return false;
        }

        _after = _walk.Current;
        _ahead = true;
        return true;
    }

    private object? Cycle(ArgumentReader arguments)
    {
        IReadOnlyList<object?> choices = arguments.All();
        if (choices.Count == 0) throw new TemplateException(TemplateErrorKind.Type, "no items for cycling given");
        return choices[Index0 % choices.Count];
    }

    private bool Changed(IReadOnlyList<object?> values)
    {
        var now = new TupleValue(values);
        if (_changed is not null && Python.Equality.AreEqual(_changed, now)) return false;
        _changed = now;
        return true;
    }
}
