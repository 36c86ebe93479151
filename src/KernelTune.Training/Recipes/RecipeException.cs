namespace KernelTune.Training.Recipes;

/// <summary>A recipe cannot be read or asks for what cannot be done. <see cref="Exception.Message"/> is one line that names the place and the key.</summary>
public sealed class RecipeException : Exception
{
    /// <summary>A problem with <paramref name="key"/> found at <paramref name="place"/>.</summary>
    /// <param name="place">"file:line:column", "command line", or null where the recipe was made in code.</param>
    /// <param name="key">The dotted key, or null.</param>
    /// <param name="problem">What was found and what was wanted.</param>
    public RecipeException(string? place, string? key, string problem)
        : base((place is null ? "" : place + ": ") + (key is null ? "" : key + ": ") + problem) => (Place, Key) = (place, key);

    public string? Place { get; }

    public string? Key { get; }
}
