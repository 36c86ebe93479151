namespace KernelTune.Text.Jinja.Evaluation;

/// <summary>Names and what they hold; a name that is not here is looked for outside.</summary>
internal sealed class Scope(Scope? outer)
{
    private readonly Dictionary<string, object?> _names = new(StringComparer.Ordinal);

    public void Set(string name, object? value) => _names[name] = value;

    public bool TryGet(string name, out object? value)
    {
        for (Scope? scope = this; scope is not null; scope = scope.Outer)
            if (scope._names.TryGetValue(name, out value)) return true;
        value = null;
        return false;
    }

    public Scope? Outer => outer;
}
